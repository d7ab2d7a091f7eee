package pages

import (
	"strings"
	"testing"
)

func TestPreferred(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, want string }{
		{"none", "", "zh-CN"},
		{"chinese", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"wechat on an english phone", "en-US,en;q=0.9", "en"},
		{"traditional chinese", "zh-TW", "zh-CN"},
		{"traditional chinese before english", "zh-HK,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"traditional chinese alone before english", "zh-Hant-TW, en;q=0.8", "zh-CN"},
		{"script", "zh-Hans-CN;q=0.9, en;q=0.8", "zh-CN"},
		{"english preferred", "zh;q=0.8, en;q=0.9", "en"},
		{"equal, english first", "en, zh", "en"},
		{"equal, chinese first", "zh, en", "zh-CN"},
		{"neither", "fr-FR, ja;q=0.5", "zh-CN"},
		{"a language whose speakers read english", "cy", "zh-CN"},
		{"a country that speaks english", "und-US", "zh-CN"},
		{"english the second best of a stranger", "fr, en;q=0.3", "en"},
		{"anything", "*", "zh-CN"},
		{"anything before english", "*, en", "zh-CN"},
		{"english before anything", "en, *", "en"},
		{"anything over english", "*;q=0.8, en;q=0.5", "zh-CN"},
		{"anything but chinese", "zh;q=0, *", "zh-CN"}, // x/text drops what has the weight 0
		{"english refused", "en;q=0", "zh-CN"},
		{"both refused", "en;q=0, zh;q=0", "zh-CN"},
		{"best of several", "en;q=0.1, zh;q=0.5, en-GB;q=0.7", "en"},
		{"case and blanks", " EN-us ; Q=0.9 , ZH ;q=0.1", "en"},
		{"three letters for english", "eng", "en"},
		{"another language that begins alike", "enm", "zh-CN"},
		{"weight over one", "en;q=2", "zh-CN"},
		{"negative weight", "en;q=-1", "zh-CN"},
		{"no number", "en;q=NaN", "zh-CN"},
		{"no number beside a good one", "en;q=NaN, en;q=0.5", "zh-CN"},
		{"empty weight", "en;q=", "zh-CN"},
		{"other parameter", "en;level=1", "zh-CN"},
		{"faulty item beside a good one", "zh;q=x, en;q=0.5", "zh-CN"},
		{"no language beside a good one", "%, en", "zh-CN"},
		{"empty items", ",,en,,", "en"},
		{"many subtags", "en" + strings.Repeat(",en-a-b", 1000), "zh-CN"},
		{"not UTF-8", "en-\xff", "zh-CN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := preferred(c.header); got != c.want {
				t.Errorf("preferred(%q) = %q, want %q", c.header, got, c.want)
			}
		})
	}
}

// A header without "en" in it never gets English. Neither case nor an empty item
// nor another language changes the answer.
func FuzzPreferred(f *testing.F) {
	for _, header := range []string{"", "en", "zh-CN,zh;q=0.9,en;q=0.8", "*;q=0.5, en;q=0.1", "zh;q=0,*", "en;q=1e-9"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := preferred(header)
		if got != "en" && got != "zh-CN" {
			t.Fatalf("preferred(%q) = %q, want en or zh-CN", header, got)
		}
		if got == "en" && !strings.Contains(strings.ToLower(header), "en") {
			t.Errorf("preferred(%q) = %q, want zh-CN", header, got)
		}
		for _, same := range []string{header + ",", "fr," + header, strings.ToLower(header)} {
			if again := preferred(same); again != got {
				t.Errorf("preferred(%q) = %q, but preferred(%q) = %q", header, got, same, again)
			}
		}
	})
}
