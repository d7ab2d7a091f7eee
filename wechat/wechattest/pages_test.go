package wechattest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestPageLanguage(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Answer: wechattest.AnswerAsk})
	for header, want := range map[string]string{
		"":                               "zh-CN",
		"zh-CN,zh;q=0.9,en;q=0.8":        "zh-CN",
		"zh-TW,en;q=0.8":                 "zh-CN",
		"zh-Hant-HK, en-HK;q=0.9":        "zh-CN",
		"en":                             "en",
		"en-US,en;q=0.9,zh-CN;q=0.8":     "en",
		"zh;q=0.1, en-GB;q=0.5":          "en",
		"fr-FR,fr;q=0.9,en;q=0.8":        "en",
		"de, zh;q=0.5":                   "zh-CN",
		"fr":                             "zh-CN",
		"*":                              "zh-CN",
		"not a language;;":               "zh-CN",
		strings.Repeat("en-a-b-c,", 999): "zh-CN",
	} {
		page := e.openAuthorize(http.Header{"Accept-Language": {header}}, "scope", "snsapi_userinfo").body
		if !strings.Contains(page, `<html lang="`+want+`">`) {
			t.Errorf("Accept-Language %.40q: page %.40q, want lang %s", header, page, want)
		}
	}
}
