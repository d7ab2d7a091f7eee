// Package answer is how wxgate's listeners answer a program: in JSON, with a
// word for each failure.
package answer

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/wxgate/wxgate/wechat"
)

// Error is the body of every refusal to a program.
type Error struct {
	Word      string `json:"error"`
	Message   string `json:"message"` // for a person
	RequestID string `json:"request_id"`
	LoginURL  string `json:"login_url,omitempty"`
}

// JSON answers with body, which must be fit for encoding/json.
func JSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // a client who left is no error
}

// WeChat tells a program of err, with which a call of WeChat's API for the
// account ended: 502 where somebody has to mend the account's settings, which
// mend names if it is known; 503 where it passes.
func WeChat(err error) (status int, body Error, mend string) {
	refusal, ok := errors.AsType[*wechat.Error](err)
	if !ok || refusal.Class() == wechat.Later {
		return http.StatusServiceUnavailable, Error{Word: "wechat_unavailable", Message: "WeChat does not answer. Try again in a moment."}, ""
	}
	return http.StatusBadGateway, Error{Word: "wechat_error", Message: "WeChat refuses this account; its operator has been told."}, refusal.Hint()
}
