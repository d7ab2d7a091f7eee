package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/answer"
)

// jssdk signs a page of this site for WeChat's JS-SDK: GET {prefix}/jssdk.
// Always JSON. It takes no session, because public pages are shared too, and
// signs no other site's page: a signature is good for whoever has it.
func (g *guard) jssdk(w http.ResponseWriter, r *http.Request) error {
	visitOf(r.Context()).navigation = false
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["url"]) != 1 || !g.ownPage(query.Get("url")) {
		return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest}
	}
	config, err := g.tickets.Config(r.Context(), query.Get("url"))
	switch {
	case err != nil && r.Context().Err() != nil:
		return errVisitorLeft
	case err != nil:
		return weChatFailure(err)
	}
	answer.JSON(w, http.StatusOK, config)
	return nil
}
