package user

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// DefaultAvatar is the picture of who has none.
const DefaultAvatar = "/static/dist/assets/images/user_default.png"

// avatar goes through the modes of the settings (protocols.md 10.7) and gives the first picture that there is.
func (d *Directory) avatar(s Settings, u *User) string {
	for mode := range strings.SplitSeq(s.Avatars, ",") {
		switch mode = strings.TrimSpace(mode); {
		case mode == "none":
			return DefaultAvatar
		case mode == "initials":
			return Initials(u)
		case mode == "gravatar":
			if a := d.gravatar.url(mailHash(u)); u.Email != "" && a != "" {
				return a
			}
		case strings.HasPrefix(mode, "attributes."):
			if a, _ := Attribute(u.Attributes, strings.TrimPrefix(mode, "attributes.")).(string); a != "" {
				return a
			}
		case strings.Contains(mode, "://"):
			upn, _ := u.Attributes["upn"].(string)
			return strings.NewReplacer("%(username)s", u.Username, "%(mail_hash)s", mailHash(u), "%(upn)s", upn).Replace(mode)
		}
	}
	return DefaultAvatar
}

// Avatar gives the picture of a user.
func (d *Directory) Avatar(ctx context.Context, u *User) string { return d.avatar(d.Settings(ctx), u) }

func mailHash(u *User) string {
	sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(u.Email))))
	return hex.EncodeToString(sum[:])
}

// Initials draws the first letters of a name on a colour that belongs to the name.
func Initials(u *User) string {
	name := u.Name
	if strings.TrimSpace(name) == "" {
		name = u.Username
	}
	var letters []rune
	for _, w := range strings.Fields(name) {
		r := []rune(w)[0]
		if (unicode.IsLetter(r) || unicode.IsDigit(r)) && len(letters) < 2 {
			letters = append(letters, unicode.ToUpper(r))
		}
	}
	if len(letters) == 0 {
		letters = []rune{'?'}
	}
	sum := md5.Sum([]byte(name))
	// Dark enough for white letters in every hue.
	hue := (int(sum[0])<<8 | int(sum[1])) % 360
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(avatarStart+strconv.Itoa(hue)+avatarMiddle+string(letters)+avatarEnd))
}

// The picture around its two changing parts. It is given in base64 (RFC 2397), since expressions of the release tell a picture on the web
// by "://" in the address.
const (
	avatarStart  = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64"><rect width="64" height="64" fill="hsl(`
	avatarMiddle = `,45%,32%)"/><text x="50%" y="50%" dy=".35em" text-anchor="middle" fill="#fff" font-family="system-ui,sans-serif" font-size="28">`
	avatarEnd    = `</text></svg>`
)

// gravatars remembers which addresses have a picture at gravatar.com. A page never waits for it: who is not known yet gets the next
// mode, and is looked up in the background. When the site can't be reached it is left alone for eight hours.
type gravatars struct {
	mu    sync.Mutex
	known map[string]gravatarState
	off   time.Time
	busy  int
}

type gravatarState struct {
	has   bool
	until time.Time
}

const (
	gravatarOff   = 8 * time.Hour
	gravatarKnown = 24 * time.Hour
	gravatarMax   = 20_000
)

func gravatarURL(hash string) string {
	return "https://secure.gravatar.com/avatar/" + hash + "?size=158&rating=g&default=404"
}

func (g *gravatars) url(hash string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if s, ok := g.known[hash]; ok && now.Before(s.until) {
		if s.has {
			return gravatarURL(hash)
		}
		return ""
	}
	if now.Before(g.off) || g.busy >= 2 {
		return ""
	}
	g.busy++
	go g.look(hash)
	return ""
}

func (g *gravatars) look(hash string) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, gravatarURL(hash), nil)
	var res *http.Response
	if err == nil {
		res, err = http.DefaultClient.Do(req)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	if err != nil {
		g.off = time.Now().Add(gravatarOff)
		return
	}
	res.Body.Close()
	if g.known == nil || len(g.known) > gravatarMax {
		g.known = map[string]gravatarState{}
	}
	g.known[hash] = gravatarState{has: res.StatusCode == http.StatusOK, until: time.Now().Add(gravatarKnown)}
}
