package main

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// tellProxy says what a proxy that asks about the request is answered, see
// [explainer.tell].
func (e *explainer) tellProxy(c *config.Config, follows bool) (explanation, error) {
	host := cmp.Or(e.host(), c.PublicURL.Host)
	if given, ok := e.ask.header("Host"); ok {
		host = strings.Join(given, "")
	}
	simulated := e.ask.describing(cmp.Or(e.ask.scheme, c.PublicURL.Scheme), host)
	var answers []explainedAnswer
	for _, query := range []string{"", "?redirect=true"} {
		r, err := e.read(http.MethodGet, host, c.Prefix+"/auth"+query, simulated)
		if err != nil {
			return explanation{}, err
		}
		answers = append(answers, e.answer(r, e.visitor(follows)))
	}
	plain, redirecting := answers[0], answers[1]
	lines := append(e.assumedLine(simulated), e.reasons(redirecting)...)
	lines = append(lines, e.authLines(plain)...)
	return e.explanation(c, e.proxySentence(plain, redirecting), lines, plain), nil
}

// authLines shows the headers of an answer to a proxy that asks.
func (e *explainer) authLines(a explainedAnswer) []string {
	var lines []string
	if login := a.header.Get("X-Wx-Login-Url"); login != "" && !a.asks {
		lines = append(lines, "header: X-WX-Login-URL: "+login)
	}
	if a.status == http.StatusOK && !a.asks {
		lines = append(lines, e.identityLines(a.header)...)
	}
	return lines
}

// askedMethod returns the method of the visitor's request, as a header of the proxy that
// asks names it; "" if none does.
func (e *explainer) askedMethod() string {
	path, _, _ := strings.Cut(e.ask.target, "?")
	isAuth := path == e.cfg.Prefix+"/auth" || strings.HasPrefix(path, e.cfg.Prefix+"/auth/")
	if !e.peer().trusted || !isAuth && e.cfg.Mode != modeForwardAuth {
		return ""
	}
	for _, name := range []string{"X-Original-Method", "X-Forwarded-Method"} {
		if values, given := e.ask.header(name); given {
			return strings.Join(values, "")
		}
	}
	return ""
}

// proxySentence says what the proxy is answered, without and with ?redirect=true.
func (e *explainer) proxySentence(plain, redirecting explainedAnswer) string {
	if plain.asks {
		return e.sentence(plain)
	}
	first := fmt.Sprintf("%d: %s", plain.status, authSentence(plain))
	if redirecting.status != plain.status {
		first += fmt.Sprintf("; with ?redirect=true: %d", redirecting.status)
	}
	return first + "."
}

// authSentence says what an answer of {prefix}/auth means to the proxy.
func authSentence(a explainedAnswer) string {
	switch a.Action {
	case gateway.ActionPassVisitor:
		return "the proxy that asks may let the request pass as the visitor"
	case gateway.ActionPassNobody:
		return "the proxy that asks may let the request pass without identity"
	default:
		return "the proxy that asks must not let the request pass"
	}
}
