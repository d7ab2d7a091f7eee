package wechattest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// call calls a path with the token of the stock account: by POST if there is a body.
func (e *emulator) call(path, body string) answer {
	e.t.Helper()
	path += "?access_token=" + e.stable(false).text("access_token")
	if body == "" {
		return e.do("GET", path, "", nil)
	}
	return e.do("POST", path, body, nil)
}

// refusalsOf checks the errcode of each body that is posted to a path.
func (e *emulator) refusalsOf(path string, bodies map[string]int) {
	e.t.Helper()
	for body, want := range bodies {
		if a := e.call(path, body); a.status != 200 || a.code() != want {
			e.t.Errorf("POST %s %.60s = %d %.120s, want errcode %d", path, body, a.status, a.body, want)
		}
	}
}

// Every call that changes something needs a token, the method, and an account with the
// right to it.
func TestAccountCallsNeedAToken(t *testing.T) {
	t.Parallel()
	e := cast(t, wechattest.Config{})
	unverified := e.post("/cgi-bin/stable_token",
		`{"grant_type":"client_credential","appid":"unverified","secret":"secret"}`)
	for _, path := range []string{
		"/cgi-bin/message/template/send", "/cgi-bin/tags/create", "/cgi-bin/tags/update", "/cgi-bin/tags/delete",
		"/cgi-bin/tags/getidlist", "/cgi-bin/tags/members/batchtagging", "/cgi-bin/tags/members/batchuntagging",
		"/cgi-bin/tags/members/getblacklist", "/cgi-bin/tags/members/batchblacklist",
		"/cgi-bin/tags/members/batchunblacklist", "/cgi-bin/user/tag/get", "/cgi-bin/menu/create",
		"/cgi-bin/menu/addconditional", "/cgi-bin/menu/delconditional", "/cgi-bin/menu/trymatch",
		"/cgi-bin/media/upload",
	} {
		if a := e.call(path, ""); a.code() != 43002 {
			t.Errorf("GET %s = %s, want 43002", path, a.body)
		}
		if a := e.post(path, "{}"); a.code() != 41001 {
			t.Errorf("POST %s without a token = %s, want 41001", path, a.body)
		}
		if a := e.post(path+"?access_token=x", "{}"); a.code() != 40001 {
			t.Errorf("POST %s with an unknown token = %s, want 40001", path, a.body)
		}
		if a := e.post(path+"?access_token="+unverified.text("access_token"), "{}"); a.code() != 48001 {
			t.Errorf("POST %s of an unverified account = %s, want 48001", path, a.body)
		}
		if path == "/cgi-bin/media/upload" {
			continue
		}
		if a := e.post(path+"?access_token="+e.stable(false).text("access_token"), ""); a.code() != 44002 {
			t.Errorf("POST %s without a body = %s, want 44002", path, a.body)
		}
		if a := e.call(path, "{"); a.code() != 47001 {
			t.Errorf("POST %s with half an object = %s, want 47001", path, a.body)
		}
	}
	for _, path := range []string{"/cgi-bin/tags/get", "/cgi-bin/menu/get", "/cgi-bin/menu/delete"} {
		if a := e.call(path, "{}"); a.code() != 43001 {
			t.Errorf("POST %s = %s, want 43001", path, a.body)
		}
		if a := e.get(path); a.code() != 41001 {
			t.Errorf("GET %s without a token = %s, want 41001", path, a.body)
		}
	}
}

func TestTemplateMessage(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	lihua, tom := e.OpenID(wechattest.StockAppID, "lihua"), e.OpenID(wechattest.StockAppID, "tom")
	const path = "/cgi-bin/message/template/send"
	message := func(to, template string) string {
		return fmt.Sprintf(`{"touser":%q,"template_id":%q,"data":{"thing1":{"value":"龙井茶"}}}`, to, template)
	}
	a := e.call(path, message(lihua, "T1"))
	if id, _ := a.fields["msgid"].(float64); a.status != 200 || a.code() != 0 || a.text("errmsg") != "ok" || id <= 0 {
		t.Errorf("send = %d %s, want ok and a msgid", a.status, a.body)
	}
	if again := e.call(path, message(lihua, "T1")); again.fields["msgid"] == a.fields["msgid"] {
		t.Errorf("second message = %s, want a msgid of its own", again.body)
	}
	e.refusalsOf(path, map[string]int{
		message("o0", "T1"): 40003, message("", "T1"): 40003, message(tom, "T1"): 43004, message(lihua, ""): 40037,
		`{"touser":"` + lihua + `","template_id":"T1"}`:                47001,
		message(e.OpenID(wechattest.StockWebsiteAppID, "lihua"), "T1"): 40003,
	})
	account := wechattest.StockAccount()
	account.TemplateIDs = []string{"T1"}
	if err := e.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	e.refusalsOf(path, map[string]int{message(lihua, "T1"): 0, message(lihua, "T2"): 40037})
	e.SetLimit(path, wechattest.Limit{PerDay: 1})
	e.refusalsOf(path, map[string]int{message(lihua, "T1"): 45009})
}

func TestTags(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	lihua, alice := e.OpenID(wechattest.StockAppID, "lihua"), e.OpenID(wechattest.StockAppID, "alice")
	tom, foreign := e.OpenID(wechattest.StockAppID, "tom"), e.OpenID(wechattest.StockWebsiteAppID, "lihua")
	if a := e.call("/cgi-bin/tags/create", `{"tag":{"name":"广东"}}`); a.body != `{"tag":{"id":100,"name":"广东"}}` {
		t.Fatalf("create = %s", a.body)
	}
	long := strings.Repeat("a", 31)
	e.refusalsOf("/cgi-bin/tags/create", map[string]int{
		`{"tag":{"name":"广东"}}`: 45157, `{"tag":{"name":""}}`: 45157, `{"tag":{"name":"` + long + `"}}`: 45158,
	})
	members := func(tag int, openIDs ...string) string {
		return fmt.Sprintf(`{"openid_list":["%s"],"tagid":%d}`, strings.Join(openIDs, `","`), tag)
	}
	e.refusalsOf("/cgi-bin/tags/members/batchtagging", map[string]int{
		members(100, lihua, alice): 0, members(99, lihua): 45159, members(100, "o0"): 40003, members(100, tom): 40003,
		members(100, foreign): 49003, `{"tagid":100}`: 40032, members(100, make([]string, 51)...): 40032,
	})
	if a := e.call("/cgi-bin/tags/get", ""); !strings.Contains(a.body, `{"id":100,"name":"广东","count":2}`) {
		t.Errorf("get = %s, want two with the tag", a.body)
	}
	if a := e.call("/cgi-bin/tags/getidlist", `{"openid":"`+lihua+`"}`); a.body != `{"tagid_list":[100]}` {
		t.Errorf("getidlist = %s, want the tag", a.body)
	}
	token := e.stable(false).text("access_token")
	info := e.get("/cgi-bin/user/info", "access_token", token, "openid", lihua)
	if !strings.Contains(info.body, `"tagid_list":[100]`) {
		t.Errorf("user/info = %s, want the tag", info.body)
	}
	a := e.call("/cgi-bin/user/tag/get", `{"tagid":100,"next_openid":""}`)
	want := `{"count":2,"data":{"openid":["` + lihua + `","` + alice + `"]},"next_openid":"` + alice + `"}`
	if a.body != want {
		t.Errorf("user/tag/get = %s, want %s", a.body, want)
	}
	a = e.call("/cgi-bin/user/tag/get", `{"tagid":100,"next_openid":"`+alice+`"}`)
	if a.body != `{"count":0,"next_openid":""}` {
		t.Errorf("user/tag/get after the end = %s, want no data", a.body)
	}
	e.refusalsOf("/cgi-bin/user/tag/get", map[string]int{
		`{"tagid":99}`: 45159, `{"tagid":100,"next_openid":"o0"}`: 40003,
	})
	e.refusalsOf("/cgi-bin/tags/members/batchuntagging", map[string]int{
		members(100, alice): 0, members(99, alice): 45159,
	})
	e.refusalsOf("/cgi-bin/tags/getidlist", map[string]int{
		`{"openid":"o0"}`: 40003, `{"openid":"` + foreign + `"}`: 49003,
	})
	e.refusalsOf("/cgi-bin/tags/update", map[string]int{
		`{"tag":{"id":2,"name":"x"}}`: 45058, `{"tag":{"id":99,"name":"x"}}`: 45159,
		`{"tag":{"id":100,"name":"` + long + `"}}`: 45158,
	})
	if a := e.call("/cgi-bin/tags/update", `{"tag":{"id":100,"name":"广东人"}}`); a.code() != 0 {
		t.Errorf("update = %s", a.body)
	}
	if a := e.call("/cgi-bin/tags/get", ""); !strings.Contains(a.body, `{"id":100,"name":"广东人","count":1}`) {
		t.Errorf("get after update = %s", a.body)
	}
	e.refusalsOf("/cgi-bin/tags/delete", map[string]int{`{"tag":{"id":0}}`: 45058, `{"tag":{"id":99}}`: 45159})
	if a := e.call("/cgi-bin/tags/delete", `{"tag":{"id":100}}`); a.code() != 0 {
		t.Errorf("delete = %s", a.body)
	}
	if a := e.call("/cgi-bin/tags/getidlist", `{"openid":"`+lihua+`"}`); a.body != `{"tagid_list":[]}` {
		t.Errorf("getidlist after delete = %s, want none", a.body)
	}
}

func TestTagLimits(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	lihua := e.OpenID(wechattest.StockAppID, "lihua")
	for i := range 100 {
		if a := e.call("/cgi-bin/tags/create", fmt.Sprintf(`{"tag":{"name":"t%d"}}`, i)); a.code() != 0 {
			t.Fatalf("tag %d = %s", i, a.body)
		}
		want := 0
		if i >= 20 {
			want = 45059
		}
		e.refusalsOf("/cgi-bin/tags/members/batchtagging", map[string]int{
			fmt.Sprintf(`{"openid_list":[%q],"tagid":%d}`, lihua, 100+i): want,
		})
	}
	e.refusalsOf("/cgi-bin/tags/create", map[string]int{`{"tag":{"name":"more"}}`: 45056})
}

func TestBlacklist(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	lihua := e.OpenID(wechattest.StockAppID, "lihua")
	const none = `{"total":0,"count":0,"next_openid":""}`
	if a := e.call("/cgi-bin/tags/members/getblacklist", `{"begin_openid":""}`); a.body != none {
		t.Errorf("empty list = %s", a.body)
	}
	e.refusalsOf("/cgi-bin/tags/members/batchblacklist", map[string]int{
		`{"openid_list":["` + lihua + `"]}`: 0, `{"openid_list":["o0"]}`: 40003, `{"openid_list":[]}`: 40032,
	})
	want := `{"total":1,"count":1,"data":{"openid":["` + lihua + `"]},"next_openid":"` + lihua + `"}`
	if a := e.call("/cgi-bin/tags/members/getblacklist", `{"begin_openid":""}`); a.body != want {
		t.Errorf("list = %s, want %s", a.body, want)
	}
	e.refusalsOf("/cgi-bin/tags/members/batchunblacklist", map[string]int{`{"openid_list":["` + lihua + `"]}`: 0})
	if a := e.call("/cgi-bin/tags/members/getblacklist", `{}`); a.fields["total"] != 0.0 {
		t.Errorf("list in the end = %s, want none", a.body)
	}
}

func TestMenu(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	const path = "/cgi-bin/menu/create"
	const shop = `{"type":"view","name":"小店","url":"https://h5.example.com/"}`
	if a := e.call("/cgi-bin/menu/get", ""); a.code() != 46003 {
		t.Errorf("get without a menu = %s, want 46003", a.body)
	}
	buttons := func(list ...string) string { return `{"button":[` + strings.Join(list, ",") + `]}` }
	sub := func(list ...string) string {
		return buttons(`{"name":"更多","sub_button":[` + strings.Join(list, ",") + `]}`)
	}
	const click = `{"type":"click","name":"赞","key":"V1001"}`
	e.refusalsOf(path, map[string]int{
		buttons(): 40016, buttons(shop, shop, shop, shop): 40016, `{}`: 40016,
		buttons(`{"type":"view","name":"","url":"https://h5.example.com/"}`):                               40018,
		buttons(`{"type":"view","name":"` + strings.Repeat("店", 6) + `","url":"https://h5.example.com/"}`): 40018,
		buttons(`{"type":"open","name":"小店"}`):                                                             40017,
		buttons(`{"name":"小店"}`):                                                                           40017,
		buttons(`{"type":"click","name":"赞"}`):                                                             40019,
		buttons(`{"type":"click","name":"赞","key":"` + strings.Repeat("k", 129) + `"}`):                    40019,
		buttons(`{"type":"view","name":"小店"}`):                                                             40020,
		sub(click, click, click, click, click, click):                                                      40023,
		sub(`{"type":"open","name":"赞"}`):                                                                  40024,
		sub(`{"type":"click","name":"` + strings.Repeat("赞", 21) + `","key":"k"}`):                         40025,
		sub(`{"type":"click","name":"赞"}`):                                                                 40026,
		sub(`{"type":"view","name":"小店"}`):                                                                 40027,
	})
	e.refusalsOf("/cgi-bin/menu/addconditional", map[string]int{
		`{"button":[` + shop + `],"matchrule":{"tag_id":"100"}}`: 65303,
	})
	e.refusalsOf(path, map[string]int{buttons(shop, `{"name":"更多","sub_button":[`+click+`]}`): 0})
	a := e.call("/cgi-bin/menu/get", "")
	want := `{"menu":{"button":[{"type":"view","name":"小店","url":"https://h5.example.com/","sub_button":[]},` +
		`{"name":"更多","sub_button":[{"type":"click","name":"赞","key":"V1001","sub_button":[]}]}]}}`
	if a.body != want {
		t.Errorf("get = %s, want %s", a.body, want)
	}
	if a := e.call("/cgi-bin/menu/delete", ""); a.code() != 0 {
		t.Errorf("delete = %s", a.body)
	}
	if a := e.call("/cgi-bin/menu/get", ""); a.code() != 46003 {
		t.Errorf("get after delete = %s, want 46003", a.body)
	}
}

func TestConditionalMenu(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	lihua, alice := e.OpenID(wechattest.StockAppID, "lihua"), e.OpenID(wechattest.StockAppID, "alice")
	const shop = `{"button":[{"type":"view","name":"shop","url":"https://h5.example.com/"}]`
	const vip = `{"button":[{"type":"view","name":"vip","url":"https://h5.example.com/vip"}]`
	e.call("/cgi-bin/tags/create", `{"tag":{"name":"vip"}}`)
	e.call("/cgi-bin/tags/members/batchtagging", `{"openid_list":["`+lihua+`"],"tagid":100}`)
	e.call("/cgi-bin/menu/create", shop+"}")
	e.refusalsOf("/cgi-bin/menu/addconditional", map[string]int{
		vip + `,"matchrule":{}}`: 65304, vip + "}": 65304, `{"matchrule":{"tag_id":"100"}}`: 40016,
	})
	a := e.call("/cgi-bin/menu/addconditional", vip+`,"matchrule":{"tag_id":"100"}}`)
	id := a.text("menuid")
	if id == "" {
		t.Fatalf("addconditional = %s, want a menuid", a.body)
	}
	if a := e.call("/cgi-bin/menu/get", ""); !strings.Contains(a.body, `"matchrule":{"tag_id":"100"},"menuid":`+id) {
		t.Errorf("get = %s, want the conditional menu", a.body)
	}
	for openID, want := range map[string]string{lihua: `"vip"`, alice: `"shop"`} {
		a := e.call("/cgi-bin/menu/trymatch", `{"user_id":"`+openID+`"}`)
		if !strings.HasPrefix(a.body, `{"button":[`) || !strings.Contains(a.body, want) {
			t.Errorf("trymatch = %s, want %s", a.body, want)
		}
	}
	e.refusalsOf("/cgi-bin/menu/trymatch", map[string]int{`{"user_id":"o0"}`: 65302})
	e.refusalsOf("/cgi-bin/menu/delconditional", map[string]int{`{"menuid":"1"}`: 65301})
	e.refusalsOf("/cgi-bin/menu/delconditional", map[string]int{`{"menuid":"` + id + `"}`: 0})
	if a := e.call("/cgi-bin/menu/get", ""); strings.Contains(a.body, "conditionalmenu") {
		t.Errorf("get = %s, want no conditional menu", a.body)
	}
}

func TestMediaUpload(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	token := e.stable(false).text("access_token")
	upload := func(kind, field, file string, size int) answer {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile(field, file)
		if err != nil {
			t.Fatal(err)
		}
		part.Write(make([]byte, size))
		form.Close()
		header := http.Header{"Content-Type": {form.FormDataContentType()}}
		return e.do("POST", "/cgi-bin/media/upload?"+query("access_token", token, "type", kind), body.String(), header)
	}
	for _, test := range []struct {
		kind, field, file string
		size, want        int
	}{
		{"image", "media", "a.png", 10, 0},
		{"image", "media", "a.JPG", 3 << 20, 0},
		{"voice", "media", "a.mp3", 10, 0},
		{"video", "media", "a.mp4", 10, 0},
		{"thumb", "media", "a.jpg", 64 << 10, 0},
		{"music", "media", "a.png", 10, 40004},
		{"", "media", "a.png", 10, 40004},
		{"image", "file", "a.png", 10, 41005},
		{"image", "media", "a.png", 0, 41005},
		{"image", "media", "a.exe", 10, 40005},
		{"voice", "media", "a.png", 10, 40005},
		{"image", "media", "a.png", 10<<20 + 1, 40009},
		{"voice", "media", "a.amr", 2<<20 + 1, 40010},
		{"video", "media", "a.mp4", 10<<20 + 1, 40011},
		{"thumb", "media", "a.jpg", 64<<10 + 1, 40012},
	} {
		a := upload(test.kind, test.field, test.file, test.size)
		if a.status != 200 || a.code() != test.want {
			t.Errorf("%+v = %d %s", test, a.status, a.body)
		}
		id := "media_id"
		if test.kind == "thumb" {
			id = "thumb_media_id"
		}
		created, _ := a.fields["created_at"].(float64)
		if test.want == 0 && (a.text("type") != test.kind || a.text(id) == "" || created == 0) {
			t.Errorf("%s = %s, want type, %s and created_at", test.file, a.body, id)
		}
	}
	if a := e.post("/cgi-bin/media/upload?"+query("access_token", token, "type", "image"), "{}"); a.code() != 41005 {
		t.Errorf("no form = %s, want 41005", a.body)
	}
	last := e.Requests()
	if body := last[len(last)-2].Body; !strings.HasPrefix(body, "multipart/form-data") || len(body) > 100 {
		t.Errorf("log has %.200q, want the type and size of the form", body)
	}
}

// With anything that it sends, a server gets status 200 and one JSON object.
func FuzzAccountCalls(f *testing.F) {
	for _, body := range []string{
		`{"tag":{"id":100,"name":"x"}}`, `{"openid_list":["o0",null],"tagid":2}`, `{"button":[null]}`, `[]`, `null`,
		`{"button":[{"name":"x","sub_button":[null,{"name":"y","sub_button":[{}]}]}],"matchrule":{"tag_id":[]}}`,
		"--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\r\nx\r\n--b--",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		e := newEmulator(t, wechattest.Config{})
		token := e.stable(false).text("access_token")
		for _, path := range []string{
			"message/template/send", "tags/create", "tags/update", "tags/delete", "tags/getidlist",
			"tags/members/batchtagging", "tags/members/batchuntagging", "tags/members/getblacklist",
			"tags/members/batchblacklist", "tags/members/batchunblacklist", "user/tag/get", "menu/create",
			"menu/addconditional", "menu/delconditional", "menu/trymatch", "media/upload",
		} {
			header := http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}
			a := e.do("POST", "/cgi-bin/"+path+"?"+query("access_token", token, "type", "image"), body, header)
			if a.status != 200 || a.fields == nil {
				t.Errorf("POST %s %q = %d %s, want an object", path, body, a.status, a.body)
			}
		}
	})
}
