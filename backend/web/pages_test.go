package web

import (
	"net/http/httptest"
	"net/url"
	"testing"
)

// TestLeavesBy holds where a page has to lead after a form: to what its policy could not know.
func TestLeavesBy(t *testing.T) {
	known := "/if/flow/a/?" + url.Values{"next": {"/application/o/authorize/?" + url.Values{"redirect_uri": {"https://wiki.office.lan/callback"}}.Encode()}}.Encode()
	for to, want := range map[string]bool{
		"/if/user/": false, "/application/o/authorize/?x=y": false, "/source/saml/office/": true, "/source/oauth/login/office/": true, "/application/saml/wiki/sso/binding/redirect/": true,
		"https://wiki.office.lan/callback?code=x": false, "https://other.office.lan/": true, "com.example.app:/callback": true,
	} {
		if got := leavesBy(httptest.NewRequest("POST", known, nil), to); got != want {
			t.Errorf("%s: %v", to, got)
		}
	}
}
