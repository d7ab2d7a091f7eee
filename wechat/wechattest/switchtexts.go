package wechattest

// text is a text of a page in both languages.
type text struct{ chinese, english string }

// switchTexts say what each switch does when it is on.
var switchTexts = map[string]text{
	"strict_order": {
		"授权链接的参数顺序不对或重复时，拒绝打开。",
		"The authorize page refuses parameters that are out of order or given twice.",
	},
	"wechat_only": {
		"授权页只允许微信自带的浏览器打开，企业微信也不行。",
		"Only WeChat's own browser can open the authorize page; WeCom's cannot.",
	},
	"refuse_odd_state": {
		"state 含有字母和数字以外的字符时拒绝，而不是删掉它们。",
		"A state with other characters than letters and digits is refused; otherwise they are dropped.",
	},
	"omit_absent_state": {
		"请求没有 state 时，回调地址也不带空的 state。",
		"If the request has no state, the callback has none either; otherwise it has an empty one.",
	},
	"drop_openid_query": {
		"从 redirect_uri 中删除名为 openId 的参数。",
		"The parameter openId is removed from redirect_uri.",
	},
	"test_needs_follow": {
		"测试号要求访客先关注，否则显示错误 10006。",
		"A test account shows error 10006 to visitors who do not follow it.",
	},
	"second_hop": {
		"授权页先跳转到自身一次；没有 connect_redirect=1 时，回调会被打开两次。",
		"The authorize page redirects to itself first. Without connect_redirect=1 the callback is then opened twice.",
	},
	"previous_code": {
		"上一个 code 还有效时再次返回它，部分电脑版微信如此。",
		"The last code is given again while it is valid, as some desktop clients do.",
	},
	"shared_snapshot_id": {
		"所有快照访客使用同一个 unionid。",
		"All snapshot visitors have the same unionid.",
	},
	"hide_snapshot_flag": {
		"快照访客的响应里没有 is_snapshotuser。",
		"The field is_snapshotuser is missing for snapshot visitors.",
	},
	"snapshot_no_profile": {
		"快照访客的 sns/userinfo 返回 48001。",
		"For snapshot visitors sns/userinfo returns 48001.",
	},
	"wrong_secret_40001": {
		"换取 code 时密钥错误返回 40001，而不是 40125。",
		"A wrong secret in the code exchange gets 40001 instead of 40125.",
	},
	"expired_code_42003": {
		"过期的 code 返回 42003，而不是 40029。",
		"An expired code gets 42003 instead of 40029.",
	},
	"used_code_40029": {
		"用过的 code 返回 40029，而不是 40163。",
		"A used code gets 40029 instead of 40163.",
	},
	"bad_refresh_40029": {
		"无效的 refresh_token 返回 40029，而不是 40030。",
		"An invalid refresh_token gets 40029 instead of 40030.",
	},
	"unknown_token_40014": {
		"sns/userinfo 和 sns/auth 遇到未知令牌返回 40014，而不是 40001。",
		"On sns/userinfo and sns/auth an unknown token gets 40014 instead of 40001.",
	},
	"unlisted_ip_89503": {
		"IP 不在白名单时返回 89503，而不是 40164。",
		"An address that is not on the IP allow-list gets 89503 instead of 40164.",
	},
	"unlisted_ip_61004": {
		"IP 不在白名单时返回 61004，而不是 40164。",
		"An address that is not on the IP allow-list gets 61004 instead of 40164.",
	},
	"ip_list_on_sns": {
		"换取 code 时也检查 IP 白名单。",
		"The IP allow-list counts for the code exchange too.",
	},
	"ignore_wrong_openid": {
		"sns/userinfo 和 sns/auth 不核对 openid。",
		"sns/userinfo and sns/auth do not check the openid.",
	},
	"needs_force_refresh": {
		"stable_token 请求必须带 force_refresh，否则返回 41002。",
		"Without force_refresh stable_token gets 41002.",
	},
	"rotate_refresh": {
		"刷新时同时换发新的 access_token 和 refresh_token。",
		"Each refresh makes both tokens anew.",
	},
	"old_hints": {
		"errmsg 使用旧格式，以 hints: [ req_id: … ] 结尾。",
		"errmsg has its old form, which ends in hints: [ req_id: … ].",
	},
	"extra_fields": {
		"每个 JSON 对象都多一个文档里没有的字段。",
		"Each JSON object has one more field, which is not documented.",
	},
}

// answerTexts name the answers of a visitor.
var answerTexts = map[Answer]text{
	AnswerAgree:           {"允许", "Allow"},
	AnswerAsk:             {"显示授权页，由人选择", "Show the page and ask"},
	AnswerDeclineRedirect: {"拒绝，并告知网站", "Decline and tell the site"},
	AnswerDecline:         {"拒绝，不告知网站", "Decline without telling the site"},
	AnswerSnapshot:        {"以快照页浏览", "Browse as a snapshot"},
}

// modeTexts say what each fault mode does.
var modeTexts = map[FaultMode]text{
	FaultErrcode:     {"返回错误码", "refuse with an errcode"},
	FaultStatus:      {"返回 HTTP 错误状态", "HTTP error status"},
	FaultHTML:        {"返回网页而不是 JSON", "a web page instead of JSON"},
	FaultEmpty:       {"响应为空", "no body"},
	FaultHuge:        {"响应有 10 MiB", "a body of 10 MiB"},
	FaultHang:        {"一直不响应", "no response"},
	FaultResetBefore: {"处理前断开连接", "reset before processing"},
	FaultSlowHeader:  {"延迟后才响应", "respond after a delay"},
	FaultSlowBody:    {"响应到一半时延迟", "delay in the middle of the body"},
	FaultTruncated:   {"只返回一半 JSON", "half of the JSON"},
	FaultWrongTypes:  {"数字变成字符串", "numbers as strings"},
	FaultNoOpenID:    {"缺少 openid", "without openid"},
	FaultContentType: {"Content-Type 错误", "wrong Content-Type"},
	FaultGzip:        {"未经请求就用 gzip 压缩", "gzip without being asked"},
	FaultResetAfter:  {"处理后断开连接", "reset after processing"},
}

// stockNames are the names of the stock accounts and visitors on pages. Sites get them
// as they are in WeChat.
var stockNames = map[string]text{
	"测试公众号":       {"测试公众号", "Test account"},
	"测试网站应用":      {"测试网站应用", "Test website application"},
	"李华":          {"李华", "Li Hua"},
	"王芳":          {"王芳", "Wang Fang"},
	"Alice Zhang": {"张爱丽", "Alice Zhang"},
	"小美🌸✨":        {"小美🌸✨", "Xiaomei🌸✨"},
	"Tom Brown":   {"汤姆", "Tom Brown"},
	"快照访客":        {"快照访客", "Snapshot visitor"},
}

// Name is the name of an account or a visitor in the page's language.
func (v view) Name(name string) string {
	if t, stock := stockNames[name]; stock {
		return v.say(t)
	}
	return name
}

// Switch, Answer and Mode are the texts for a switch, an answer and a fault mode.
func (v view) Switch(name string) string  { return v.say(switchTexts[name]) }
func (v view) Answer(a Answer) string     { return v.say(answerTexts[a]) }
func (v view) Mode(mode FaultMode) string { return v.say(modeTexts[mode]) }

func (v view) say(t text) string { return v.T(t.chinese, t.english) }
