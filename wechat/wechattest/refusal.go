package wechattest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
)

// refusal is an errcode and its text.
type refusal struct {
	code int
	text string
}

func refuse(code int) *refusal {
	return &refusal{code, cmp.Or(errorTexts[code], "api error")}
}

// errorTexts are the texts of WeChat's list of global return codes, as documented
// or as seen. WeChat changes them, so clients must not compare them.
var errorTexts = map[int]string{
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40002: "invalid grant_type",
	40003: "invalid openid",
	40004: "invalid media type",
	40005: "invalid file type",
	40007: "invalid media_id",
	40009: "invalid image size",
	40010: "invalid voice size",
	40011: "invalid video size",
	40012: "invalid thumb size",
	40013: "invalid appid",
	40014: "invalid access_token",
	40016: "invalid button size",
	40017: "invalid button type",
	40018: "invalid button name size",
	40019: "invalid button key size",
	40020: "invalid button url size",
	40023: "invalid sub button size",
	40024: "invalid sub button type",
	40025: "invalid sub button name size",
	40026: "invalid sub button key size",
	40027: "invalid sub button url size",
	40029: "invalid code",
	40030: "invalid refresh_token",
	40032: "invalid openid list size",
	40037: "invalid template_id",
	40097: "invalid args",
	40125: "invalid appsecret",
	40163: "code been used",
	40226: "high risk user blocked",
	40243: "AppSecret is frozen",
	41001: "access_token missing",
	41002: "appid missing",
	41003: "refresh_token missing",
	41004: "appsecret missing",
	41005: "media data missing",
	41008: "missing code",
	41009: "missing openid",
	42001: "access_token expired",
	42002: "refresh_token expired",
	42003: "oauth_code expired",
	42007: "access_token and refresh_token are invalid because the user changed the password",
	43001: "require GET method",
	43002: "require POST method",
	43003: "require https",
	43004: "require subscribe",
	44002: "empty post data",
	45009: "reach max api daily quota limit",
	45011: "api minute-quota reach limit, must slower, retry next minute",
	45056: "too many tags",
	45058: "can't modify sys tag",
	45059: "can not tagging one user too much",
	45157: "invalid tag name",
	45158: "tag name too long",
	45159: "invalid tag id",
	46003: "menu no exist",
	47001: "data format error",
	48001: "api unauthorized",
	48004: "api forbidden",
	48006: "forbid to clear quota because of reaching the limit",
	49003: "not match openid with appid",
	50001: "user unauthorized this api",
	50002: "user limited",
	50004: "user may not use this token",
	65301: "no such conditional menu",
	65302: "there is no such user",
	65303: "there is no default menu",
	65304: "match rule empty",
	65305: "menu count limit",
	89501: "this ip is waiting for confirmation",
	89503: "this ip calls the interface for the first time, the administrator has to confirm it",
}

// api makes a route's function from one that returns a value to encode as JSON,
// or a refusal.
func api(f func(*transaction) (any, *refusal)) func(*transaction) response {
	return func(x *transaction) response {
		value, refused := f(x)
		if refused != nil {
			return x.refused(refused)
		}
		return x.json(value)
	}
}

// decode decodes a JSON body.
func (x *transaction) decode(into any) *refusal {
	if len(x.body) == 0 {
		return refuse(44002)
	}
	if json.Unmarshal(x.body, into) != nil {
		return refuse(47001)
	}
	return nil
}

// refused is the response to a refused request, in the form of its family.
func (x *transaction) refused(r *refusal) response {
	x.logErrcode(r.code)
	if x.family == pages {
		return x.errorPage(codeStatus(r.code), r.code, r.text, r.text)
	}
	const hex = "0123456789abcdef"
	rid := fmt.Sprintf("%08x-%s-%s", uint32(x.time.Unix()), x.random.text(hex, 8), x.random.text(hex, 8))
	text := r.text
	switch {
	case x.switches.OldHints && x.family == sns:
		text += ", hints: [ req_id: " + rid[9:] + " ]"
	case x.switches.OldHints:
		text += " hint: [" + rid[9:] + "]"
	case x.family == sns:
		text += ", rid: " + rid
	default:
		text += " rid: " + rid
	}
	return x.json(errcodeBody{r.code, text})
}

// json encodes as WeChat does: UTF-8 unescaped, fields in the documented order.
func (x *transaction) json(v any) response {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // cannot happen with our own structs
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if x.path == "/sns/userinfo" {
		// Seen in addresses of pictures. Slashes occur only inside strings.
		body = bytes.ReplaceAll(body, []byte("/"), []byte(`\/`))
	}
	if x.switches.ExtraFields {
		body = append(bytes.TrimSuffix(body, []byte("}")), `,"field_of_tomorrow":{"a":[1,"二"]}}`...)
	}
	contentType := "application/json; encoding=utf-8"
	if x.family == sns {
		contentType = "text/plain"
	}
	return response{status: http.StatusOK, contentType: contentType, body: body}
}

// errcodeBody is an errcode and its text as JSON.
type errcodeBody struct {
	Code int    `json:"errcode"`
	Text string `json:"errmsg"`
}

// okBody is the body of calls that return nothing else.
var okBody = errcodeBody{0, "ok"}
