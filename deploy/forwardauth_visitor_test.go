package deploy_test

import (
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// userAgent is WeChat's on an iPhone.
const userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Mobile/15E148 MicroMessenger/8.0.50(0x18003225) NetType/WIFI Language/zh_CN"

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// The headers by which servers tell page loads from requests of scripts.
var (
	pageLoad = http.Header{
		"Accept":         {"text/html,*/*;q=0.8"},
		"Sec-Fetch-Mode": {"navigate"},
		"Sec-Fetch-Dest": {"document"},
	}
	script = http.Header{
		"Accept":         {"*/*"},
		"Sec-Fetch-Mode": {"cors"},
		"Sec-Fetch-Dest": {"empty"},
	}
)

// A visitor is a browser. It follows redirects in signIn only.
type visitor struct{ client *http.Client }

// An answer is a response with its body.
type answer struct {
	*http.Response
	body []byte
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{&http.Client{
		Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn returns a visitor who has opened a page of the site and signed in.
func (f front) signIn(t *testing.T, target string) *visitor {
	t.Helper()
	v := newVisitor(t)
	f.signInAs(t, v, target)
	return v
}

// signInAs does that with a visitor of its own settings.
func (f front) signInAs(t *testing.T, v *visitor, target string) {
	t.Helper()
	stay := v.client.CheckRedirect
	v.client.CheckRedirect = nil
	res := v.get(t, f.origin+target, pageLoad)
	v.client.CheckRedirect = stay
	openID, address := f.reached(t, res).Header.Get("X-Wx-Openid"), res.Request.URL.String()
	if openID == "" || address != f.origin+target {
		t.Fatalf("signed in as %q at %s, want an openid at %s", openID, address, f.origin+target)
	}
}

func (v *visitor) get(t *testing.T, address string, headers http.Header) answer {
	t.Helper()
	return v.send(t, http.MethodGet, address, headers, nil)
}

func (v *visitor) send(t *testing.T, method, address string, headers http.Header, body io.Reader) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", userAgent)
	maps.Copy(r.Header, headers)
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, res)
}

func readAnswer(t *testing.T, res *http.Response) answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, body}
}

// cookies returns the Cookie header that the visitor sends.
func (v *visitor) cookies(t *testing.T, origin string) string {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, c := range v.client.Jar.Cookies(u) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}
