package helm_test

import (
	"strings"
	"testing"
)

// Values of a site are checked against each other, and against those that the site
// takes from config, as wxgate does.
func TestSitesContradict(t *testing.T) {
	t.Parallel()
	const a, b = "publicUrl: 'https://a.example.com'", "publicUrl: 'https://b.example.com'"
	refusedEach(t, map[string]badValue{
		"lifetime beside its own": {
			"sites: [{" + a + ", sessionTtl: 2h, sessionMaxTtl: 1h}]",
			[]string{"sites[0].sessionTtl is 2h, longer than sites[0].sessionMaxTtl, 1h"},
		},
		"lifetime beside the preset": {
			"sites: [{" + a + ", sessionTtl: 1000h}]",
			[]string{"sites[0].sessionTtl is 1000h, longer than config.sessionMaxTtl, 720h"},
		},
		"lifetime taken over": {
			"config: {sessionTtl: 5h}\nsites: [{" + a + ", sessionMaxTtl: 1h}]",
			[]string{"config.sessionTtl is 5h, longer than sites[0].sessionMaxTtl, 1h"},
		},
		"cookie of another domain": {
			"sites: [{" + a + ", cookieDomain: example.org}]",
			[]string{"sites[0].cookieDomain is example.org, but sites[0].publicUrl is https://a.example.com"},
		},
		"cookie of another domain, taken over": {
			"config: {cookieDomain: example.com}\nsites: [{publicUrl: 'https://a.example.org'}]",
			[]string{"config.cookieDomain is example.com, but sites[0].publicUrl is https://a.example.org"},
		},
		"cookie of all hosts": {
			"sites: [{publicUrl: 'http://a.localhost', cookieDomain: localhost}]",
			[]string{"sites[0].cookieDomain is localhost"},
		},
		"one cookie for two": {
			"config: {cookieDomain: example.com}\nsites: [{" + a + "}, {" + b + "}]",
			[]string{"sites[1] has the cookie wxgate of the domain example.com, and so has sites[0]",
				"sites[1].cookieName"},
		},
		"scan login without AppID": {
			"secrets: {qrAppSecret: {key: k}}\nsites: [{" + a + ", outsideWechat: qrconnect}]",
			[]string{"sites[0].outsideWechat is qrconnect, but sites[0].qrAppId is empty"},
		},
		"scan login without AppSecret": {
			"sites: [{" + a + ", qrAppId: wxbbbbbbbbbbbbbbbb}]",
			[]string{"sites[0].qrAppId is used, but sites[0].secrets.qrAppSecret.key is empty"},
		},
		"AppSecret of scan login alone": {
			"sites: [{" + a + ", secrets: {qrAppSecret: {key: k}}}]",
			[]string{"sites[0].secrets.qrAppSecret.key is set, but sites[0].qrAppId is empty"},
		},
		"scan login with the account": {
			"sites: [{" + a + ", qrAppId: wx0123456789abcdef, secrets: {qrAppSecret: {key: k}}}]",
			[]string{"sites[0].qrAppId is the official account's AppID"},
		},
		"hub of a hub": {
			"config: {hubUrl: 'https://hub.example.com'}\n" + hubKey +
				"sites: [{" + a + ", hubSites: ['https://c.cn']}]",
			[]string{"config.hubUrl and sites[0].hubSites are both set"},
		},
		"hub without key": {
			"sites: [{" + a + ", hubUrl: 'https://hub.example.com'}]",
			[]string{"sites[0].hubUrl is set, but sites[0].secrets.hubKey.key is empty"},
		},
		"hub key of no use": {
			"sites: [{" + a + ", secrets: {hubKey: {key: k}}}]", []string{"sites[0].secrets.hubKey.key is set"},
		},
		"itself as its hub": {
			"config: {hubUrl: 'https://a.example.com/'}\n" + hubKey + "sites: [{" + a + "}]",
			[]string{"config.hubUrl is the site's own sites[0].publicUrl"},
		},
		"itself as its site": {
			hubKey + "sites: [{" + a + ", hubSites: ['https://A.example.com:443']}]",
			[]string{"sites[0].hubSites has the hub's own sites[0].publicUrl"},
		},
		"a public URL of two": {
			"sites: [{hosts: [a.example.com]}, {hosts: [b.example.com]}]",
			[]string{"sites[1] has the host h5.example.com, and so has sites[0]"},
		},
	}, "These values cannot work")
}

// Values of config that no site takes over are of no account.
func TestSitesReplaceSharedValues(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{
		"cookie domain": "config: {cookieDomain: example.org}\nsites: [{publicUrl: 'https://a.example.com', " +
			"cookieDomain: example.com}]",
		"own account": "sites: [{publicUrl: 'https://a.example.com', appId: wx1, existingSecret: a, " +
			"qrAppId: wx0123456789abcdef, " +
			"secrets: {qrAppSecret: {key: k}}}]",
		"cookie names": "config: {cookieDomain: example.com}\nsites: [{publicUrl: 'https://a.example.com'}, " +
			"{publicUrl: 'https://b.example.com', cookieName: b}]",
		"lifetimes": "config: {sessionTtl: 5h}\n" +
			"sites: [{publicUrl: 'https://a.example.com', sessionTtl: 1h, sessionMaxTtl: 2h}]",
		"hub key": hubKey + "sites: [{publicUrl: 'https://a.example.com', hubUrl: 'https://hub.cn'}, " +
			"{publicUrl: 'https://b.cn'}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := environmentOf(t, values)
			if output, code := runOnce(t, env, "explain", "https://a.example.com/"); code != 0 {
				t.Errorf("wxgate explain: exit %d\n%s", code, output)
			}
		})
	}
}

// An origin may be written in any way that wxgate reads.
func TestOriginsAreRoutedInAnySpelling(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://h5.example.com/", "HTTPS://H5.Example.com", "https://h5.example.com:443/"} {
		os := mustRender(t, withFour(httpRoute+"\n---\nconfig: {publicUrl: '"+url+"'}")).objects
		for _, route := range os.kind("HTTPRoute") {
			if !hasText(route, `"hostnames":["h5.example.com"]`) {
				t.Errorf("with the public URL %s, %s is not for h5.example.com alone", url, route)
			}
		}
		ingress := "config: {publicUrl: '" + strings.Replace(strings.ToLower(url), "https", "http", 1) + "'}\n" +
			"ingress: {enabled: true, tls: [{secretName: a}]}"
		refused(t, badValue{ingress, []string{"but ingress.tls is set"}})
	}
}
