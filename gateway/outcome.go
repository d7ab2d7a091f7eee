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

// usualAnswers are the statuses that are usual with each outcome. Their counters are
// there from the start, so that the first request of a kind is an increase.
var usualAnswers = map[string][]int{
	outcomeProxied:      siteAnswers,
	outcomePublic:       siteAnswers,
	outcomeLogin:        {200, 302, 401},
	outcomeUnauthorized: {401},
	outcomeForbidden:    {403},
	outcomeOwn:          {200, 302, 303, 400, 401, 403, 404, 405},
	outcomeError:        {400, 403, 404, 405, 408, 413, 421, 429, 500, 502, 503, 504},
}

// siteAnswers are the statuses that are usual with the answers of a site.
var siteAnswers = []int{
	101, 200, 201, 204, 206, 301, 302, 303, 304, 400, 401, 403, 404, 405, 499, 500, 502, 503, 504,
}

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
