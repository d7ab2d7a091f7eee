package gateway

import "testing"

// A form gets a page in place of JSON, and no other verdict than a script's
// request: it is never sent to the login, whatever OutsideWeChat says.
func TestDecideForm(t *testing.T) {
	t.Parallel()
	for _, outside := range []OutsideWeChat{OutsideRedirect, OutsidePage, OutsideQRConnect, OutsideDeny} {
		var errs fieldErrors
		p := newPolicy(Site{
			OutsideWeChat: outside, PublicPaths: []string{"/static/"}, APIPaths: []string{"/api/"},
		}, accounts{}, &errs)
		if errs.fields != nil {
			t.Fatal(errs.fields)
		}
		for a := nobody; a <= admitted; a++ {
			for _, path := range []string{"/orders", "/static/a", "/api/a"} {
				script := p.decide(&question{method: "POST", path: path, userAgent: "Mozilla/5.0"}, a)
				form := p.decide(&question{method: "POST", path: path, userAgent: "Mozilla/5.0", form: true}, a)
				want := script
				want.page = script.action == refuse && path != "/api/a"
				if form != want {
					t.Errorf("%s, admission %d, form to %s: %+v, want %+v", outside, a, path, form, want)
				}
			}
		}
	}
}
