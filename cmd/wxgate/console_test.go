package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/rs/zerolog"
)

// consoleLine returns the line for people of what log logs.
func consoleLine(environ []string, log func(zerolog.Logger)) string {
	var b strings.Builder
	log(zerolog.New(newConsole(&b, environ)).With().Timestamp().Logger())
	return b.String()
}

// access logs a request as the gateway does.
func access(method, path string, status int, ms float64, outcome string) func(zerolog.Logger) {
	return func(logger zerolog.Logger) {
		logger.Info().Str("request_id", "r1").Str("client_ip", "192.0.2.1").Str("method", method).
			Str("host", "h5.example.com").Str("path", path).Int("status", status).Int64("bytes", 5).
			Float64("duration_ms", ms).Str("outcome", outcome).Msg("request")
	}
}

func TestConsoleLines(t *testing.T) {
	t.Parallel()
	const rest = ` bytes=5 client_ip=192.0.2.1 host=h5.example.com request_id=r1`
	for _, tt := range []struct {
		log  func(zerolog.Logger)
		want string // after the time
	}{
		{access("GET", "/cart", 302, 0.153, "login"), `GET /cart 302 login 0.2ms` + rest},
		{access("POST", "/pay", 200, 12.7, "proxied"), `POST /pay 200 proxied 13ms` + rest},
		{access("GET", "/events", 499, 61_234, "proxied"), `GET /events 499 proxied 61.2s` + rest},
		{access("GET", "/新闻", 200, 0, "public"), `GET /新闻 200 public 0.0ms` + rest},
		{access("GET", "/a b", 404, 1, "public"), `GET "/a b" 404 public 1.0ms` + rest},
		{access("GET", "", 421, 1, "error"), `GET "" 421 error 1.0ms` + rest},
		{access("GET", "/\x1b[2J\x07\n\u009b31m\u202e\x7f", 200, 1, "public"),
			`GET "/\x1b[2J\a\n\u009b31m\u202e\x7f" 200 public 1.0ms` + rest},
		{access("GET", "/\" 200 public 1.0ms", 401, 1, "unauthorized"),
			`GET "/\" 200 public 1.0ms" 401 unauthorized 1.0ms` + rest},
		{func(l zerolog.Logger) { l.Info().Str("server", "gateway").Msg("listening") }, `INF listening server=gateway`},
		{func(l zerolog.Logger) { l.Warn().Strs("list", []string{"a\x7f\u009b", "b"}).Msg("odd") },
			`WRN odd list=["a\x7f\u009b","b"]`},
		{func(l zerolog.Logger) { l.Error().Str("error", "no \x1b[31m").Bool("b", true).Msg("x\x1b") },
			`ERR x\x1b error="no \x1b[31m" b=true`},
		{func(l zerolog.Logger) { l.Info().Int("status", 1).Msg("request") }, `INF request status=1`},
	} {
		got := consoleLine(nil, tt.log)
		time, line, _ := strings.Cut(strings.TrimSuffix(got, "\n"), " ")
		if !regexp.MustCompile(`^\d\d:\d\d:\d\d$`).MatchString(time) || line != tt.want || strings.Count(got, "\n") != 1 {
			t.Errorf("line %q, want a time and %q", got, tt.want)
		}
	}
}

// With anything that a client sends, a line for people is one line without control characters.
func FuzzConsoleLine(f *testing.F) {
	f.Add("GET", "/cart", "h5.example.com")
	f.Add("G\x1bET", "/\x1b]0;x\x07", "h\u009b5")
	f.Add("", "\xff\u2028\u202e", "\x7f")
	f.Fuzz(func(t *testing.T, method, path, text string) {
		for _, log := range []func(zerolog.Logger){
			access(method, path, 200, 1, "public"),
			func(l zerolog.Logger) { l.Error().Str("error", text).Strs("list", []string{text, path}).Msg(text) },
		} {
			line, ok := strings.CutSuffix(consoleLine(nil, log), "\n")
			if i := strings.IndexFunc(line, func(c rune) bool { return !unicode.IsPrint(c) }); !ok || i >= 0 {
				t.Errorf("line %q has a control character at %d", line, i)
			}
		}
	})
}
