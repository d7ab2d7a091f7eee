package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/wechat"
)

// newTransport returns the connections to WeChat's API. It uses the proxy of the
// environment.
func newTransport(timeout time.Duration) http.RoundTripper {
	t := forward.NewTransport(timeout)
	t.Proxy = http.ProxyFromEnvironment
	t.DialContext = (&net.Dialer{Timeout: timeout}).DialContext
	t.TLSHandshakeTimeout = timeout
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 30 * time.Second
	return t
}

// signed is a transport that puts the account's access token into requests.
type signed struct {
	next   http.RoundTripper
	tokens *wechat.TokenSource
}

// RoundTrip implements [http.RoundTripper].
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readAhead(r)
	if err != nil {
		return nil, err
	}
	token, err := s.tokens.Token(r.Context())
	if err != nil {
		body.close()
		return nil, err
	}
	res, err := s.send(r, body, token.AccessToken)
	if err != nil || !tokenRefused(res) {
		return res, err
	}
	// Renewed also where the call cannot be repeated: the next one is to pass.
	// Where that fails, WeChat's own answer says more than ours could.
	token, err = s.tokens.Renew(r.Context(), token.AccessToken)
	if err != nil || !body.whole() {
		return res, nil
	}
	res.Body.Close()
	return s.send(r, body, token.AccessToken)
}

// send makes the request with the token. What comes back does not hold it,
// unless WeChat puts it into a body.
func (s *signed) send(r *http.Request, body *payload, token wechat.Secret) (*http.Response, error) {
	out := r.WithContext(r.Context()) // a copy
	out.URL = new(*r.URL)
	out.URL.RawQuery = withToken(r.URL.RawQuery, token)
	body.giveTo(out)
	res, err := s.next.RoundTrip(out)
	if err != nil {
		if strings.Contains(err.Error(), token.Reveal()) { // net/http quotes what is no HTTP
			err = errors.New("WeChat's answer makes no sense")
		}
		return nil, err
	}
	for name, values := range res.Header {
		if slices.ContainsFunc(values, func(v string) bool {
			return strings.Contains(v, token.Reveal()) || strings.Contains(v, url.QueryEscape(token.Reveal()))
		}) {
			delete(res.Header, name) // a redirect's Location
		}
	}
	return res, nil
}

// withToken replaces each access_token of a query, however it is spelt, by the
// one given. The rest stays as it was sent.
func withToken(query string, token wechat.Secret) string {
	kept := []string{"access_token=" + url.QueryEscape(token.Reveal())}
	for parameter := range strings.SplitSeq(query, "&") {
		if parameter != "" && !namesToken(parameter) {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}

// namesToken reports whether some reader of a query takes the parameter for an
// access_token: some separate by ; too, ignore case, or trim.
func namesToken(parameter string) bool {
	for part := range strings.SplitSeq(parameter, ";") {
		key, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
		key, _, _ = strings.Cut(key, "[") // an array's, in PHP
		key = strings.TrimFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 })
		if strings.EqualFold(strings.NewReplacer(".", "_", " ", "_").Replace(key), "access_token") {
			return true
		}
	}
	return false
}

// maxPeekBytes is how far into an answer its errcode is looked for.
const maxPeekBytes = 4 << 10

// tokenRefused reports whether an answer refuses the access token as expired or
// replaced. It reads no further than it takes to see that, and puts back what
// it has read.
func tokenRefused(res *http.Response) bool {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "" && media != "application/json" && !strings.HasPrefix(media, "text/") { // WeChat's JSON is text/plain at times
		return false
	}
	head := new(bytes.Buffer)
	code := errcode(io.TeeReader(io.LimitReader(res.Body, maxPeekBytes), head))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(head, res.Body), res.Body}
	return (&wechat.Error{API: strings.TrimPrefix(res.Request.URL.Path, "/"), Code: code}).Stale()
}

// errcode is the one in a JSON object that begins with it, or with errmsg; 0:
// there is none.
func errcode(answer io.Reader) int {
	d := json.NewDecoder(answer)
	d.UseNumber()
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return 0
	}
	for range 2 {
		key, err := d.Token()
		if err != nil || key != "errcode" && key != "errmsg" {
			return 0
		}
		value, err := d.Token()
		if err != nil {
			return 0
		}
		if number, ok := value.(json.Number); ok && key == "errcode" {
			code, _ := strconv.Atoi(number.String())
			return code
		}
	}
	return 0
}
