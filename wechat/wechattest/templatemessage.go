package wechattest

import "slices"

// firstMessageID is the msgid of an emulator's first template message.
const firstMessageID = 200_000_001

// sendTemplate is cgi-bin/message/template/send [WeChat's guide to template
// messages]. The request log shows the message; nobody receives it.
func sendTemplate(x *transaction) (any, *refusal) {
	var message struct {
		To       string         `json:"touser"`
		Template string         `json:"template_id"`
		Data     map[string]any `json:"data"`
	}
	a, refused := accountJSON(x, &message)
	if refused != nil {
		return nil, refused
	}
	if a.Kind == KindSubscription {
		return nil, refuse(48001)
	}
	if _, synthetic := a.syntheticIndex(message.To); !synthetic {
		v := x.visitors.byOpenID(a.AppID, message.To)
		if v == nil {
			return nil, refuse(40003)
		}
		if _, follows := v.follows[a.AppID]; !follows {
			return nil, refuse(43004)
		}
	}
	known := len(a.TemplateIDs) == 0 || slices.Contains(a.TemplateIDs, message.Template)
	switch {
	case message.Template == "" || !known:
		return nil, refuse(40037)
	case message.Data == nil:
		return nil, refuse(47001)
	}
	a.messages++
	return struct {
		errcodeBody
		ID int `json:"msgid"`
	}{okBody, firstMessageID - 1 + a.messages}, nil
}
