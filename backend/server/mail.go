package server

import (
	"time"

	"gatehouse/backend/config"
	"gatehouse/backend/mail"
	"gatehouse/backend/outbound"
)

// allowed gives what requests to other servers may reach besides the network. The start-up settings were checked when they were read.
func allowed(c config.Config) outbound.Allow {
	a, err := outbound.ParseAllow(c.Outgoing)
	if err != nil {
		return nil
	}
	return a
}

// fixedMail gives what the start-up settings say of the mail server, with where they say it.
func fixedMail(c config.Config) mail.Fixed {
	out := mail.Fixed{From: map[string]string{}}
	given := func(name, key string) bool {
		if from := c.Given(key); from != "" {
			out.From[name] = from
			return true
		}
		return false
	}
	e := c.Email
	if e.Host != "" && given("host", "email.host") {
		out.Host = e.Host
	}
	if e.Port != 0 && given("port", "email.port") {
		out.Port = e.Port
	}
	if e.Username != "" && given("username", "email.username") {
		out.Username = e.Username
	}
	if e.Password != "" && given("password", "email.password") {
		out.Password = e.Password
	}
	if e.Timeout != 0 && given("timeout", "email.timeout") {
		out.Timeout = time.Duration(e.Timeout) * time.Second
	}
	if e.From != "" && given("from_address", "email.from") {
		out.Connection.From = e.From
	}
	switch {
	case e.SSL && given("security", "email.use_ssl"):
		out.Security = mail.TLS
	case e.TLS && given("security", "email.use_tls"):
		out.Security = mail.StartTLS
	case given("security", "email.use_tls"), given("security", "email.use_ssl"):
		out.Security = mail.None
	}
	return out
}
