// Zitadelrp is a relying party for tests on github.com/zitadel/oidc's pkg/client/rp: it signs people in with a code and PKCE, and tells who
// came.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

func main() {
	issuer := flag.String("issuer", "", "the provider")
	id := flag.String("client-id", "", "the client's id")
	secret := flag.String("client-secret", "", "the client's secret")
	redirect := flag.String("redirect-url", "", "where the provider sends people back to")
	listen := flag.String("listen", "127.0.0.1:0", "where to serve")
	flag.Parse()
	if err := run(*issuer, *id, *secret, *redirect, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "zitadelrp:", err)
		os.Exit(1)
	}
}

func run(issuer, id, secret, redirect, listen string) error {
	key := []byte("0123456789abcdef0123456789abcdef")
	cookies := httphelper.NewCookieHandler(key, key, httphelper.WithUnsecure())
	party, err := rp.NewRelyingPartyOIDC(context.Background(), issuer, id, secret, redirect, []string{"openid", "profile", "email", "offline_access"},
		rp.WithCookieHandler(cookies), rp.WithPKCE(cookies), rp.WithVerifierOpts(rp.WithIssuedAtOffset(5*time.Second)))
	if err != nil {
		return err
	}
	came := func(w http.ResponseWriter, r *http.Request, t *oidc.Tokens[*oidc.IDTokenClaims], _ string, party rp.RelyingParty, info *oidc.UserInfo) {
		again, err := rp.RefreshTokens[*oidc.IDTokenClaims](r.Context(), party, t.RefreshToken, "", "")
		out := map[string]any{"sub": t.IDTokenClaims.Subject, "name": info.PreferredUsername, "email": info.Email, "userinfo_sub": info.Subject}
		if err != nil {
			out["refresh_error"] = err.Error()
		} else {
			out["refreshed_sub"] = again.IDTokenClaims.Subject
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the browser has gone
	}
	n := 0
	state := func() string { n++; return fmt.Sprintf("state-%d", n) }
	mux := http.NewServeMux()
	mux.Handle("/login", rp.AuthURLHandler(state, party))
	mux.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(came), party))
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"ready": true, "app": "zitadelrp", "url": strings.TrimSuffix(redirect, "callback")}); err != nil {
		return err
	}
	return (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
}
