package helm_test

import (
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// mutated are the values whose texts are changed at random. None is wrong because of
// another.
var mutated = []string{
	"appId", "upstream", "qrAppId", "redisGrace", "cookieName", "apiPaths", "publicPaths", "followQrUrl",
	"followRecheck", "relayPaths",
	"relayHosts", "verifyFiles", "trustedProxies", "returnHosts", "loginRate", "maxBody", "upstreamTimeout",
	"stallTimeout",
	"wechatTimeout", "wechatApiUrl", "wechatOpenUrl", "accessLogSkip", "drainDelay", "shutdownTimeout", "hubUrl",
}

var (
	faultOfChart  = regexp.MustCompile(`(?m)^ *- config\.(\w+) (?:is|has) `)
	faultOfWxgate = regexp.MustCompile(`(?m)^  WXGATE_([A-Z_]+)[=:]`)
)

// The chart and wxgate refuse the same values, of texts that are nearly right.
func TestChartAndWxgateRefuseTheSameTexts(t *testing.T) {
	t.Parallel()
	const rounds = 25
	needs := "config: {hubUrl: 'https://hub.example.com', relayPaths: [/a], qrAppId: wx1}\n" + relayPeers +
		"secrets: {hubKey: {key: hub-key}, qrAppSecret: {key: k}}\n"
	base := environmentOf(t, needs)
	for round := range rounds {
		random := rand.New(rand.NewPCG(2, uint64(round)))
		env, config := maps.Clone(base), map[string]any{}
		for _, name := range mutated {
			text, list := mutate(t, random, formats[name])
			if name == "upstream" {
				list = false // a text that wxgate splits
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			env["WXGATE_"+variableName(name)] = text
			if config[name] = text; list {
				config[name] = []string{text}
			}
		}
		values, err := yaml.Marshal(map[string]any{"config": config})
		if err != nil {
			t.Fatal(err)
		}
		_, err = render(withFour(needs + "\n---\n" + string(values)))
		chart := map[string]bool{}
		if err != nil {
			for _, m := range faultOfChart.FindAllStringSubmatch(err.Error(), -1) {
				chart[m[1]] = true
			}
		}
		output, _ := runOnce(t, env, "explain", "/")
		wxgate := map[string]bool{}
		for _, m := range faultOfWxgate.FindAllStringSubmatch(output, -1) {
			wxgate[camelCase(m[1])] = true
		}
		for _, name := range mutated {
			if chart[name] != wxgate[name] {
				t.Errorf("%s %q: the chart refuses it: %t, wxgate: %t", name, config[name], chart[name], wxgate[name])
			}
		}
		if err != nil && len(chart) == 0 {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// mutate returns one of the texts of a format with up to three changes, and whether it
// is an item of a list.
func mutate(t *testing.T, random *rand.Rand, f format) (text string, list bool) {
	t.Helper()
	const signs = "01259afgmszAZ./:-_ @%#?*{}[]$=+;\\~'\"xXhk微\t"
	all := slices.Concat(f.good, f.bad)
	from := all[random.IntN(len(all))]
	text = textOf(t, from)
	if _, list = valueOf(t, from).([]any); list {
		text, _, _ = strings.Cut(text, ",")
	}
	runes := []rune(text)
	for range random.IntN(4) {
		i := random.IntN(len(runes) + 1)
		sign := []rune(signs)[random.IntN(len([]rune(signs)))]
		switch random.IntN(3) {
		case 0:
			runes = slices.Insert(runes, i, sign)
		case 1:
			runes = append(runes[:min(i, len(runes))], runes[min(i+1, len(runes)):]...)
		default:
			if i < len(runes) {
				runes[i] = sign
			}
		}
	}
	return string(runes), list
}

// variableName returns the variable of a value: PUBLIC_URL of publicUrl.
func variableName(value string) string {
	return strings.ToUpper(regexp.MustCompile(`[A-Z]`).ReplaceAllString(value, "_$0"))
}
