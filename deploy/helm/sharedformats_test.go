package helm_test

// Formats that several values have.
var (
	duration = format{
		good: append([]string{"'0'", "0", "0s", "-0s", "0.1ns"}, longer...),
		bad:  append([]string{"-1s", "-0.5h"}, noDurations...),
	}
	positive = format{
		good: longer,
		bad:  append([]string{"'0'", "0", "0s", "0.1ns", "0.5ns0.5ns", "-1s", "-0s", "+0", "0h0m"}, noDurations...),
	}
	boolean = format{good: []string{"true", "false"}, bad: []string{"'yes please'", "'on'", "2"}}

	hosts = format{
		good: []string{
			"[a.example.com]", "['a.example.com:8443', B.example.com]", "[10.0.0.1]", "['[::1]:80', '[fd00::A]']",
			"[my_app]",
			"[localhost]", "[' a.cn ']", "[a.cn, a.cn]", "[_a.cn, a_.cn]", "['[::ffff:10.0.0.1]']",
		},
		bad: []string{
			"['https://a.com']", "['a.com/path']", "['*.a.com']", "['a.com:0']", "['a.com:']", "['a.com:https']",
			"['a.com:65536']",
			"['::1']", "['[::1']", "['[a.com]']", "['a b']", "[a.com, '']", "['a.com.']", "[-a.com]", "[a-.com]",
			"[1.2.3]", "[a.1]",
			"['u:planted@a.com']", "[微信.cn]", "['a.com?b']", "['a..com']", "[" + longestLabel + "a]",
			"[" + longestHost + "a]", "['//a.com']",
		},
	}
	patterns = format{
		good: []string{
			"[/static/, 'GET /news/{id}', '/{a}/x']", "[/favicon.ico]", "['/files/{path...}']", "['GET   /a']",
			"['/你好/']", "[/a%20b]",
			"['/a/{$}']", "[' /a/ ']", "[/a/, /a/]", "['/{名}/a']", "['POST /a b']", "[/a.b/..c]", "['/%E4%BD%A0']",
			"['/{a}/{b}/c']",
			"['/a}']", "['OPTIONS /a/']", "['/{_x1}/y']", "['FOO /a']",
		},
		bad: []string{
			"[static/]", "[/static/*]", "['get /a']", "[h5.example.com/a]", "['/a?b']", "['/a#b']", "[/a//b]",
			"[/a/../b]", "[/a/.]",
			"['/:id']", "['/a/{}']", "['/a/{id']", "['/a/x{id}']", "['/a/{id}x']", "['/{x...}/a']", "['/{$}/a']",
			"['/{a}/{a}']",
			"['/{1a}']", "['/{a-b}']", "['/a;b']", "['/a\\b']", "[/a%2fb]", "[/a%2Eb]", "[/a%zz]", "[/a%]",
			"[/a%25b]", "[/a%3Bb]",
			"['/a/{...}']", "[/a, '']", "[/.../a]", "['/ /a']", "['/{x...}/']", "['GET']", "['GET POST /a']",
			"['G-T /a']", "[/a%FF]",
			"[/a%00]", "['/{a b}']", "['/{a/b}']", "['/%20/']", "[//]", "['{a}']",
		},
	}
	baseURLs = format{
		good: []string{
			"https://api.weixin.qq.com", "https://sh.api.weixin.qq.com/", "http://emulator:8081",
			"HTTPS://a.cn/b/c/", "https://a.cn/.b",
			"http://qq.com", "http://a.qq.com.cn", "http://[::1]:80/a",
		},
		bad: []string{
			"http://api.weixin.qq.com", "http://API.weixin.QQ.com:80/a", "api.weixin.qq.com", "https://a.cn?b",
			"https://a.cn#b",
			"https://u:planted@a.cn", "https://a.cn//", "https://a.cn/b//", "https://a.cn/b//c",
			"https://a.cn/../b", "https://a.cn/b/.",
			"'https://a.cn/b c'", "https://a.cn/%41", "https:///a", "ftp://a.cn", "https://a.cn:0",
			"https://a.cn/微", "https://*.qq.com",
		},
	}
)

// longer and noDurations are durations above zero, and texts that are none.
var (
	longer = []string{"90s", "1h30m", "+5s", "1.5h", ".5m", "1.s", "100ms", "1500us", "1500µs", "1500μs", "1ns",
		"0h1m", "00024h"}

	noDurations = []string{
		"'10'", "10", "1d", "1h30", "h", "'1 h'", "1min", "forever", "' 1h'", "1H", "1h-5m", "1,5h", "9999999h",
		"--1h", "1h,2h", "1..5s",
	}
)
