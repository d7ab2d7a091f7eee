package gateway

import (
	"net/http"
	"slices"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// An Explanation is what a [Gateway] does with one request, and why.
type Explanation struct {
	Site     int      // index in [Config.Sites]; -1: no site has the request's host
	Action   Action   // what was decided; empty: nothing, as for an own endpoint
	Outcome  string   // as in access lines
	Endpoint string   // the own endpoint that answers, such as "GET /_wx/login"; empty: none
	Rules    []Rule   // what led to it, in order
	Upstream Upstream // that gets the request, if it is forwarded

	// Identity holds the identity headers of the forwarded request. Removed and
	// Replaced name the headers that the client sent and the upstream does not get,
	// or gets with another value.
	Identity          http.Header
	Removed, Replaced []string

	as     *session.Session
	prefix string // of the own endpoints
}

// Action is what the gateway decides about a request for the site.
type Action string

// The actions of an [Explanation].
const (
	ActionPassVisitor  Action = "pass as the visitor"
	ActionPassNobody   Action = "pass without identity"
	ActionSignIn       Action = "sign in"
	ActionOpenInWeChat Action = "open in WeChat"
	ActionUseHTTPS     Action = "use https"
	ActionRefuse       Action = "refuse"
)

// A Rule is one reason for what the gateway does.
type Rule struct {
	Name  string // what it decides, such as "public"
	Field string // the field of [Site] or [Config] that says so, such as "PublicPaths"; empty: none
	Value string // the item of that field, such as a pattern; empty: the whole value
	Text  string // in words; may be empty
}

// Explain answers r as [Gateway.ServeHTTP] does, with the same code, but forwards it
// to no upstream, and returns why. The visitor is the one whose cookie r has; with as,
// the one of that session; with a session without an OpenID, nobody. Without an AppID
// it is a session of this site's account.
//
// Logins, the follow gate and the JS-SDK may still call WeChat, and the stores may
// call Redis: make a Gateway for Explain alone, whose Clients have a Transport that
// sends nothing, and without Sessions, Exchanges, SharedRate and Revocations.
func (g *Gateway) Explain(w http.ResponseWriter, r *http.Request, as *session.Session) *Explanation {
	x := &Explanation{Site: -1, Outcome: outcomeError, as: as}
	d := g.hosts.of(r)
	if d == nil {
		q := g.hosts.none.factsOf(r)
		x.arrived(r, &q)
		g.hosts.serve(w, r, nil, nil)
		return x
	}
	x.Site, x.prefix = d.index, d.site.prefix
	var answered *recorder
	d.site.respond(w, r, func(w *recorder, r *http.Request, q *facts) error {
		answered, w.explained = w, x
		x.arrived(r, q)
		return d.open(w, r, q, x.door)
	})
	x.Outcome = answered.Outcome
	return x
}

// door is the [door] of Explain: that of ServeHTTP, with an app that forwards nothing.
func (x *Explanation) door(d *doors, w *recorder, r *http.Request, q *facts) error {
	if all, ok := d.upstreams.(*upstreams); ok {
		return d.enter(w, r, q, explainedApp{all, x})
	}
	return d.enter(w, r, q, nil)
}

// visitor returns who sends r: v, unless the explanation is about somebody else.
func (x *Explanation) visitor(s *site, r *http.Request, v visitor) visitor {
	switch {
	case x == nil || x.as == nil:
		return v
	case x.as.OpenID == "":
		return visitor{}
	}
	as := *x.as
	if as.AppID == "" {
		account := s.policy.accounts.forLogin(new(session.Login), r.UserAgent())
		as.AppID = account.AppID
		as.Scope = string(s.policy.accounts.scope(account, &session.Login{Scope: string(s.scope)}))
	}
	return s.signedIn(&as)
}

// add adds a rule.
func (x *Explanation) add(name, field, value, text string) {
	x.Rules = append(x.Rules, Rule{name, field, value, text})
}

// explainedApp is the [app] of an explained request. It makes the request to the
// upstream and sends it to nobody.
type explainedApp struct {
	all *upstreams
	x   *Explanation
}

// forward implements [app].
func (a explainedApp) forward(s *site, w *recorder, r *http.Request, q *facts, ask question, v visitor) error {
	to := a.all.of(r.URL.Path)
	if to == nil {
		a.x.add("404", "Upstreams", "", "none of them serves this path")
		return refusal.NotFound()
	}
	a.x.Upstream = to.Upstream
	if r.ContentLength < 0 && s.maxBodyBytes > 0 {
		a.x.add("body", "MaxBodyBytes", "", "a longer body ends with 413; this request does not say how long it is")
	}
	f := newForwarding(s, a.all, to, r, q, ask, v)
	f.Transport = explainedTransport{a.x, r.Header.Clone()}
	f.ServeHTTP(w, r)
	return nil
}

// explainedTransport notes what differs between the request to the upstream and the
// client's, whose header is given.
type explainedTransport struct {
	x      *Explanation
	client http.Header
}

// RoundTrip implements [http.RoundTripper].
func (t explainedTransport) RoundTrip(out *http.Request) (*http.Response, error) {
	t.x.Identity = make(http.Header)
	for name, values := range out.Header {
		if headers.IsIdentity(name) {
			t.x.Identity[name] = slices.Clone(values)
		}
	}
	for name, values := range t.client {
		switch kept, ok := out.Header[name]; {
		case !ok:
			t.x.Removed = append(t.x.Removed, name)
		case !slices.Equal(kept, values):
			t.x.Replaced = append(t.x.Replaced, name)
		}
	}
	slices.Sort(t.x.Removed)
	slices.Sort(t.x.Replaced)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Request: out,
	}, nil
}
