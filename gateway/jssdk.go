package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/wechat"
)

// jssdk signs pages of a site for WeChat's JS-SDK.
type jssdk struct {
	site    *site
	tickets *wechat.TicketSource
}

// config signs one page: GET {prefix}/jssdk. It needs no session, because public
// pages are shared too. It signs no other site's page: anybody who has a
// signature can use it. It counts against the login rate, because anybody can ask.
func (j jssdk) config(w *recorder, r *http.Request, q *facts, _ visitor) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["url"]) != 1 || !j.site.ownPage(query.Get("url")) {
		return refusal.InvalidRequest(nil)
	}
	if err := j.site.countLogin(r, q); err != nil {
		return err
	}
	config, err := j.tickets.Config(r.Context(), query.Get("url"))
	switch {
	case err != nil && r.Context().Err() != nil:
		return errVisitorLeft
	case err != nil:
		return refusal.WeChat(err)
	}
	refusal.WriteJSON(w, http.StatusOK, config)
	return nil
}
