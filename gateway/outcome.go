package gateway

import "net/http"

// The outcomes of a request, one word each, for access lines and metrics.
const (
	outcomeProxied      = "proxied"
	outcomePublic       = "public"
	outcomeLogin        = "login"
	outcomeUnauthorized = "unauthorized"
	outcomeForbidden    = "forbidden"
	outcomeOwn          = "own"
	outcomeError        = "error"
)

// refusedOutcome is the outcome of a request refused with the given status, whose
// outcome was former before.
func refusedOutcome(status int, former string) string {
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return outcomeError
	case former == outcomeOwn:
		return outcomeOwn
	case status == http.StatusUnauthorized:
		return outcomeUnauthorized
	case status == http.StatusForbidden:
		return outcomeForbidden
	default:
		return outcomeError
	}
}
