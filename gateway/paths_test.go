package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestNewPolicy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		public, api []string
		outside     OutsideWeChat
		wantError   string
	}{
		{"nothing", nil, nil, "", ""},
		{"all", []string{"/static/"}, []string{"/api/"}, OutsidePage, ""},
		{"deny", nil, nil, OutsideDeny, ""},
		{"bad public", []string{"x"}, nil, "", "PublicPaths"},
		{"bad API", nil, []string{"x"}, "", "APIPaths"},
		{"bad outside", nil, nil, "refuse", "OutsideWeChat"},
	}
	for _, test := range tests {
		var errs fieldErrors
		p := newPolicy(Site{PublicPaths: test.public, APIPaths: test.api, OutsideWeChat: test.outside}, accounts{}, &errs)
		var err error
		if len(errs.fields) > 0 {
			err = errs.fields[0].Err
			if test.wantError != errs.fields[0].Field {
				t.Errorf("%s: error in %s, want %q", test.name, errs.fields[0].Field, test.wantError)
			}
		}
		switch {
		case test.wantError == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.wantError == "" && p.outside == "":
			t.Errorf("%s: outside is empty, want a default", test.name)
		case test.wantError != "" && err == nil:
			t.Errorf("%s: no error, want one in %s", test.name, test.wantError)
		}
	}
}

func TestRawPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, want string }{
		{"/", "/"},
		{"/shop?x=1", "/shop"},
		{"/shop?", "/shop"},
		{"/a%2Fb%20c?d", "/a%2Fb%20c"},
		{"/a//b/../c", "/a//b/../c"},
		{"//evil.example/x", "//evil.example/x"},
		{`/a"<>^b`, `/a"<>^b`},
		{"/static/x#/../admin", "/static/x#/../admin"},
		{"/a;b?c;d", "/a;b"},
		{"http://h5.example.com/a%2Fb?c", "/a%2Fb"},
		{"http://h5.example.com/static/%2e%2e/x", "/static/%2e%2e/x"},
		{"http://h5.example.com", ""},
		{"*", "*"},
	}
	for _, test := range tests {
		u, err := url.ParseRequestURI(test.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := rawPath(&http.Request{URL: u, RequestURI: test.target}); got != test.want {
			t.Errorf("rawPath of %q = %q, want %q", test.target, got, test.want)
		}
	}
}

// The decision is about the path that an outer handler has made of the client's.
// Otherwise a request for one path would be passed to another.
func TestRawPathRewritten(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, want string }{
		{"/app/admin", "/admin"},
		{"/app/a%2Fb?x=/app/", "/a%2Fb"},
		{"/app/%E5%BA%97", "/%E5%BA%97"},
	}
	for _, test := range tests {
		got := "not called"
		handler := http.StripPrefix("/app", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = rawPath(r) }))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", test.target, nil))
		if got != test.want {
			t.Errorf("rawPath of %q behind StripPrefix = %q, want %q", test.target, got, test.want)
		}
	}
}
