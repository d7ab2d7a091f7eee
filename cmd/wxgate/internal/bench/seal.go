package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// seal returns the cookie value of a session, as a login makes it: a million logins
// would take an hour.
func seal(site, openID string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(cookieKey)
	if err != nil {
		return "", err
	}
	store, err := session.NewCookieStore(session.Config{
		Keys: session.Keys{key}, Site: site, AppID: wechattest.StockAppID,
		Lifetime: session.Lifetime{TTL: 24 * time.Hour, MaxTTL: 720 * time.Hour},
	})
	if err != nil {
		return "", err
	}
	header := http.Header{}
	now := time.Now()
	if err := store.Save(nil, header, &session.Session{
		AppID: wechattest.StockAppID, OpenID: openID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now,
	}); err != nil {
		return "", err
	}
	cookie, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		return "", err
	}
	return cookie.Value, nil
}

// numberedOpenID returns an openid of the usual form.
func numberedOpenID(i int) string { return fmt.Sprintf("oBench%022d", i) }
