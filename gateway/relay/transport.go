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

// newTransport returns the transport to WeChat's API. It uses the proxy of the
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

// tokenTransport is a transport that adds the account's access token to requests.
type tokenTransport struct {
	next   http.RoundTripper
	tokens *wechat.TokenSource
}

// RoundTrip implements [http.RoundTripper].
func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readPayload(r)
	if err != nil {
		return nil, err
	}
	token, err := t.tokens.Token(r.Context())
	if err != nil {
		body.close()
		return nil, err
	}
	res, err := t.send(r, body, token.AccessToken)
	if err != nil || !tokenRefused(res) {
		return res, err
	}
	// The token is renewed even if this call cannot be repeated, so that the next
	// one succeeds. If that fails, WeChat's response says more than an error of ours.
	token, err = t.tokens.Renew(r.Context(), token.AccessToken)
	if err != nil || !body.repeatable() {
		return res, nil
	}
	res.Body.Close()
	return t.send(r, body, token.AccessToken)
}

// send sends the request with the token. Neither an error nor the response header
// contains the token.
func (t *tokenTransport) send(r *http.Request, body *payload, token wechat.Secret) (*http.Response, error) {
	out := r.WithContext(r.Context()) // a copy
	out.URL = new(*r.URL)
	out.URL.RawQuery = withToken(r.URL.RawQuery, token)
	body.attach(out)
	res, err := t.next.RoundTrip(out)
	if err != nil {
		if _, ok := errors.AsType[*forward.BodyError](err); !ok {
			err = forward.Unquoted(err) // net/http quotes malformed responses
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

// withToken replaces each access_token of a query, in any spelling, with token. The
// other parameters remain as they were sent.
func withToken(query string, token wechat.Secret) string {
	kept := []string{"access_token=" + url.QueryEscape(token.Reveal())}
	for parameter := range strings.SplitSeq(query, "&") {
		if parameter != "" && !namesToken(parameter) {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}

// namesToken reports whether a server may read the parameter as an access_token.
// Servers differ: some split at ; too, ignore case, or trim names.
func namesToken(parameter string) bool {
	for part := range strings.SplitSeq(parameter, ";") {
		key, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
		key, _, _ = strings.Cut(key, "[") // PHP reads key[] as an array
		key = strings.TrimFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 })
		if strings.EqualFold(strings.NewReplacer(".", "_", " ", "_").Replace(key), "access_token") {
			return true
		}
	}
	return false
}

// maxPeekBytes is how far tokenRefused looks for an errcode in a response.
const maxPeekBytes = 4 << 10

// tokenRefused reports whether a response refuses the access token as expired or
// replaced. It reads no more of the body than necessary, and res.Body still returns
// all of it.
func tokenRefused(res *http.Response) bool {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "" && media != "application/json" && !strings.HasPrefix(media, "text/") {
		return false // WeChat sends some JSON as text/plain
	}
	head := new(bytes.Buffer)
	code := errcode(io.TeeReader(io.LimitReader(res.Body, maxPeekBytes), head))
	res.Body = readCloser{io.MultiReader(head, res.Body), res.Body}
	return (&wechat.Error{API: strings.TrimPrefix(res.Request.URL.Path, "/"), Code: code}).Stale()
}

// errcode returns the errcode of a JSON object in which it comes first, or directly
// after errmsg. Otherwise it returns 0.
func errcode(body io.Reader) int {
	d := json.NewDecoder(body)
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
