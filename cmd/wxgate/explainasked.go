package main

import (
	"slices"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// isAfterAsking reports whether a rule follows from an answer of WeChat's: explain has
// none, and the gateway here took that for a failure.
func isAfterAsking(rule gateway.Rule) bool {
	return slices.Contains([]string{"502", "503", "session", "follow"}, rule.Name)
}

// askedLine says what WeChat's answer decides.
func askedLine(c *config.Config, a explainedAnswer) string {
	const line = "wechat: explain does not ask it; "
	_, path, _ := strings.Cut(a.Endpoint, " ")
	switch strings.TrimPrefix(path, c.Prefix) {
	case "/jssdk":
		return line + "200 with the signature if WeChat gives a ticket, or the gateway has one; 502 or 503 if not"
	case "/callback":
		return line + "302 with a session if WeChat accepts the code and the visitor may enter; " +
			"302 to a new login, or 403, 502 or 503, if not"
	default:
		return line + "name the visitor with --as to see both answers"
	}
}

// bodyLine says that explain sends no body, and what one would change.
func bodyLine(c *config.Config, a explainedAnswer) string {
	const line = "body: explain sends none"
	if a.Endpoint == "POST "+c.Prefix+"/session" {
		return line + "; with the code and state of a login that this browser began, WeChat is asked"
	}
	return line
}

// redisLine says that explain takes a session for one that nobody has ended; no line if
// Redis is not needed to know.
func (e *explainer) redisLine(c *config.Config) []string {
	if c.RedisURL.IsZero() || e.ask.as != "" || e.ask.nobody || !e.ask.hasCookie(c.CookieName) {
		return nil
	}
	return []string{"redis: explain does not ask it; the cookie is no session if it was ended by wxgate revoke"}
}
