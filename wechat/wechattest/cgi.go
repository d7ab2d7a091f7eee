package wechattest

import "maps"

// clearQuota is cgi-bin/clear_quota: an account's quotas start again, ten times a
// month.
func clearQuota(x *transaction) (any, *refusal) {
	a, refused := x.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	var body struct {
		AppID string `json:"appid"`
	}
	if refused := x.decode(&body); refused != nil {
		return nil, refused
	}
	if body.AppID != a.AppID {
		return nil, refuse(40013)
	}
	month := x.time.In(china).Format("2006-01")
	if a.quotaCleared[month] >= clearsPerMonth {
		return nil, refuse(48006)
	}
	a.quotaCleared[month]++
	maps.DeleteFunc(x.quotas.days, func(key quotaKey, _ int) bool { return key.who == a.AppID })
	maps.DeleteFunc(x.quotas.minute, func(key quotaKey, _ int) bool { return key.who == a.AppID })
	return okBody, nil
}

// callbackAddresses is cgi-bin/getcallbackip. It and apiAddresses return addresses
// that are reserved for documentation (RFC 5737, RFC 3849), which are harmless in
// the rules of a firewall.
func callbackAddresses(x *transaction) (any, *refusal) {
	return addresses(x, "192.0.2.0/24", "198.51.100.17")
}

// apiAddresses is cgi-bin/get_api_domain_ip.
func apiAddresses(x *transaction) (any, *refusal) { return addresses(x, "203.0.113.8", "2001:db8::8") }

func addresses(x *transaction, list ...string) (any, *refusal) {
	if _, refused := x.tokenAccount(); refused != nil {
		return nil, refused
	}
	return struct {
		List []string `json:"ip_list"`
	}{list}, nil
}
