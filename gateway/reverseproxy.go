package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// forwarding is one request on its way to an upstream. Each has a ReverseProxy of
// its own, whose functions know the facts about the request and its visitor.
type forwarding struct {
	httputil.ReverseProxy
	site    *site
	to      *upstream
	in      *http.Request // the visitor's
	answer  *recorder     // to it
	facts   *facts
	ask     question
	visitor visitor
	body    forward.Body // of the request, if it has one
}

// newForwarding prepares to forward request in of v to one of the upstreams of site s.
func newForwarding(
	s *site, all *upstreams, to *upstream, in *http.Request, q *facts, ask question, v visitor,
) *forwarding {
	f := &forwarding{site: s, to: to, in: in, facts: q, ask: ask, visitor: v}
	f.Rewrite = f.rewrite
	f.ModifyResponse = f.modifyResponse
	f.ErrorHandler = f.failed
	f.Transport = to.transport
	f.ErrorLog = to.errorLog
	f.BufferPool = all.buffers
	return f
}

// serve forwards r. If the upstream breaks off its answer, what has come of it is sent: a
// browser that got nothing on a connection that it had used before would send the request
// again, and the site would get an order twice.
func (f *forwarding) serve(w *recorder, r *http.Request) {
	f.answer = w
	ended := false
	defer func() {
		if !ended && w.Status != 0 && w.upgraded == nil {
			http.NewResponseController(w).Flush()
		}
	}()
	f.ServeHTTP(w, r)
	ended = true
}

// rewrite turns the visitor's request into the one to the upstream. It removes
// what the client must not say before it sets what the gateway says, so that no
// header of the client's, such as Connection: X-WX-OpenID, can remove an identity
// header.
func (f *forwarding) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.URL.Scheme, out.URL.Host = f.to.target.Scheme, f.to.target.Host
	keepTarget(out.URL, pr.In)
	out.Trailer = nil
	if out.Body != nil {
		f.body.ReadCloser = out.Body
		out.Body = &f.body
	}
	f.site.prepare(out.Header, pr.In, f.facts, f.visitor)
}

// keepTarget sets the path and query of u to those of in, byte for byte:
// signatures of WeChat's JS-SDK depend on them. ReverseProxy has cleaned the
// query, and net/url would re-encode a path with unusual characters.
func keepTarget(u *url.URL, in *http.Request) {
	u.RawQuery, u.ForceQuery = in.URL.RawQuery, in.URL.ForceQuery
	if path := rawPath(in); !strings.HasPrefix(path, "//") { // an Opaque that begins with // names a host
		u.Opaque = path
	}
}

// modifyResponse checks an upstream's answer on its way to the visitor.
func (f *forwarding) modifyResponse(res *http.Response) error {
	if res.StatusCode < 100 {
		return errors.New("invalid status in the response") // net/http would panic
	}
	delete(res.Trailer, "Set-Cookie")
	f.site.endRevoked(res, f.visitor.session)
	f.site.completeAnswer(res.StatusCode, res.Header, f.in, f.facts, f.visitor)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return f.switchProtocols(res)
	}
	f.moveWhole(res)
	f.flushSoon(res)
	return nil
}

// failed answers for an upstream that did not answer.
func (f *forwarding) failed(w http.ResponseWriter, r *http.Request, err error) {
	if err == errSwitched {
		return
	}
	e := upstreamFailure(f.to.Upstream, err)
	switch {
	case f.body.Late():
		e = refusal.BodyTimeout(forward.Unquoted(err))
	case errors.Is(r.Context().Err(), context.Canceled):
		w.WriteHeader(access.StatusClientLeft) // nobody failed, and nobody reads it
		return
	}
	f.site.refuse(w.(*recorder), r, f.facts, e.In(formOf(f.site.policy.showsPage(&f.ask))))
}

// bufferPool lends the buffers through which bodies are copied.
type bufferPool struct{ pool sync.Pool }

const bufferBytes = 32 << 10

func newBufferPool() *bufferPool {
	return &bufferPool{sync.Pool{New: func() any { return new([bufferBytes]byte) }}}
}

// Get and Put implement [httputil.BufferPool].
func (p *bufferPool) Get() []byte  { return p.pool.Get().(*[bufferBytes]byte)[:] }
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[bufferBytes]byte)(b)) }
