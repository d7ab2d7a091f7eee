package deploy_test

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	composeDemo    = "compose.yaml"
	composeAccount = "compose.account.yaml"
)

// compose reads a file as Docker Compose does: a field that Compose does not know is
// an error. compose.env is as in the example.
func compose(t *testing.T, file string) *types.Project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deploy")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, file), readFile(t, file))
	writeFile(t, filepath.Join(dir, "compose.env"), readFile(t, "compose.env.example"))
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, file)}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return project
}

// eachService runs a test for each service of both files.
func eachService(t *testing.T, test func(*testing.T, *types.Project, types.ServiceConfig)) {
	t.Helper()
	for _, file := range []string{composeDemo, composeAccount} {
		project := compose(t, file)
		for _, name := range slices.Sorted(maps.Keys(project.Services)) {
			t.Run(file+" "+name, func(t *testing.T) {
				t.Parallel()
				test(t, project, project.Services[name])
			})
		}
	}
}

func TestComposeContainersAreConfined(t *testing.T) {
	t.Parallel()
	eachService(t, func(t *testing.T, _ *types.Project, s types.ServiceConfig) {
		if !s.ReadOnly || s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 {
			t.Errorf("read_only %t, privileged %t, cap_drop %q, cap_add %q, want read-only without capabilities",
				s.ReadOnly, s.Privileged, s.CapDrop, s.CapAdd)
		}
		if !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
			t.Errorf("security_opt %q, want no-new-privileges", s.SecurityOpt)
		}
		if s.NetworkMode == "host" || s.Pid != "" || s.Ipc != "" {
			t.Errorf("the container shares %q%q%q with the machine", s.NetworkMode, s.Pid, s.Ipc)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("port %s is published at %q, want 127.0.0.1", p.Published, p.HostIP)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeVolume {
				t.Errorf("mounts %s of the machine", v.Source)
			}
		}
		// The site trusts the identity headers, and Redis its callers.
		_, outside := s.Networks["default"]
		if inner := s.Name == "site" || s.Name == "redis"; inner && (outside || len(s.Ports) > 0) {
			t.Errorf("networks %v, ports %v, want only the gateway's own network", s.Networks, s.Ports)
		}
	})
}

func TestComposeImages(t *testing.T) {
	t.Parallel()
	final := dockerfileStages(t)[""]
	entry := strings.Trim(final.one(t, "ENTRYPOINT"), `[]"`)
	eachService(t, func(t *testing.T, p *types.Project, s types.ServiceConfig) {
		if !strings.HasPrefix(s.Image, "ghcr.io/wxgate/wxgate:") {
			if _, tag, ok := strings.Cut(s.Image, ":"); !ok || tag == "latest" || s.Build != nil {
				t.Errorf("image %s, want one with a version, not built here", s.Image)
			}
			return
		}
		if s.Build == nil || s.Build.Context != filepath.Dir(p.WorkingDir) ||
			s.Build.Dockerfile != "deploy/docker/Dockerfile" {
			t.Errorf("build %+v, want the repository's Dockerfile", s.Build)
		}
		if len(s.Entrypoint) > 0 || s.User != "" {
			t.Errorf("entrypoint %q, user %q, want the image's own", s.Entrypoint, s.User)
		}
		if s.Name != "gateway" {
			return
		}
		if test := s.HealthCheck.Test; !slices.Equal(test, []string{"CMD", entry, "healthcheck"}) {
			t.Errorf("health is tested by %q, want %s healthcheck: the image has no shell", test, entry)
		}
	})
}

// A service that starts before what it needs would fail at the first start.
func TestComposeOrder(t *testing.T) {
	t.Parallel()
	wants := map[string]map[string]string{
		composeDemo: {
			"keys": types.ServiceConditionCompletedSuccessfully, "redis": types.ServiceConditionHealthy,
			"emulator": types.ServiceConditionStarted, "site": types.ServiceConditionStarted,
		},
		composeAccount: {"redis": types.ServiceConditionHealthy},
	}
	for file, want := range wants {
		got := map[string]string{}
		gateway := compose(t, file).Services["gateway"]
		for name, on := range gateway.DependsOn {
			got[name] = on.Condition
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: the gateway waits for %v, want %v", file, got, want)
		}
		needed := 30 * time.Second // the default of WXGATE_SHUTDOWN_TIMEOUT
		drain, err := time.ParseDuration(value(gateway.Environment["WXGATE_DRAIN_DELAY"]))
		if err != nil {
			t.Errorf("%s: WXGATE_DRAIN_DELAY: %v", file, err)
		}
		if got := time.Duration(value(gateway.StopGracePeriod)); got < needed+drain+5*time.Second {
			t.Errorf("%s: stop_grace_period %v, want 5s more than the %v that a stop may take", file, got, needed+drain)
		}
	}
}

// The demo's only secret is the emulator's. An account's secrets are mounted files,
// which git ignores.
func TestComposeHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	eachService(t, func(t *testing.T, _ *types.Project, s types.ServiceConfig) {
		for name, content := range s.Environment {
			secret := slices.ContainsFunc([]string{"SECRET", "KEY", "TOKEN"}, func(word string) bool {
				return strings.Contains(name, word)
			})
			known := name == "WXGATE_APP_SECRET" && value(content) == wechattest.StockAppSecret
			if secret && !known && !strings.HasSuffix(name, "_FILE") {
				t.Errorf("%s is in the environment, want a file", name)
			}
		}
	})
	project := compose(t, composeAccount)
	gateway, env := project.Services["gateway"], project.Services["gateway"].Environment
	ignored := strings.Split(readFile(t, filepath.Join(repository, ".gitignore")), "\n")
	for _, name := range []string{"WXGATE_APP_SECRET_FILE", "WXGATE_COOKIE_KEYS_FILE"} {
		dir, key := path.Split(value(env[name]))
		mounted := slices.ContainsFunc(gateway.Secrets, func(s types.ServiceSecretConfig) bool {
			return s.Source == key
		})
		if dir != "/run/secrets/" || !mounted {
			t.Errorf("%s = %s, want a secret that is mounted", name, value(env[name]))
		}
		if file := project.Secrets[key].File; path.Base(path.Dir(file)) != "secrets" ||
			!slices.Contains(ignored, "/deploy/secrets/") {
			t.Errorf("secret %s is the file %s, want one that git ignores", key, file)
		}
	}
	if !slices.Contains(ignored, "/deploy/compose.env") {
		t.Error("git does not ignore deploy/compose.env")
	}
}

// Each service of the demo runs as a process, with the command and the environment
// that the file gives it. The test changes only addresses and the place of the keys.
func TestComposeDemoSignsIn(t *testing.T) {
	t.Parallel()
	redis := installed(t, "redis-server")
	services := compose(t, composeDemo).Services
	wxgate, keys := buildGateway(t), t.TempDir()
	address, emulator, store, site := freeAddress(t), freeAddress(t), freeAddress(t), newSite(t)
	moved := strings.NewReplacer(
		"//site:3000", "//"+site.address, "//redis:6379", "//"+store, "//emulator:8081", "//"+emulator,
		"//127.0.0.1:8081", "//"+emulator, "0.0.0.0:8081", emulator, "//127.0.0.1:8080", "//"+address,
		"/keys/", keys+"/",
	)
	command := func(s types.ServiceConfig) []string {
		var args []string
		for _, arg := range slices.Concat(s.Entrypoint, s.Command) {
			args = append(args, moved.Replace(arg))
		}
		return args
	}

	for range 2 { // the second start keeps the key
		before, _ := os.ReadFile(filepath.Join(keys, "cookie-keys"))
		args := command(services["keys"])
		p := start(t, []string{"PATH=" + os.Getenv("PATH")}, installed(t, args[0]), args[1:]...)
		<-p.ended
		if after := readFile(t, filepath.Join(keys, "cookie-keys")); before != nil && after != string(before) {
			t.Error("a second start replaces the cookie key")
		}
	}
	serve := command(services["redis"])
	if serve[0] != "redis-server" {
		t.Fatalf("Redis is started by %q", serve)
	}
	_, port, _ := strings.Cut(store, ":")
	start(t, nil, redis, append(serve[1:], "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir())...)
	front{address: store}.listens(t) // the gateway waits for it
	start(t, nil, wxgate, command(services["emulator"])...)
	environ := []string{"WXGATE_LISTEN=" + address, "WXGATE_ADMIN_LISTEN=" + freeAddress(t)}
	for name, content := range services["gateway"].Environment {
		environ = append(environ, name+"="+moved.Replace(value(content)))
	}
	gateway := start(t, environ, wxgate, command(services["gateway"])...)
	f := front{address: address, origin: "http://" + address, site: site, wxgate: gateway}
	f.listens(t)
	front{address: emulator}.listens(t)

	v := f.signIn(t, "/orders?from=menu")
	claim := script.Clone()
	claim.Set("X-WX-OpenID", "forged")
	got := f.reached(t, v.get(t, f.origin+"/orders", claim))
	if openID := got.Header.Get("X-Wx-Openid"); openID == "" || openID == "forged" {
		t.Errorf("the site got the openid %q", openID)
	}
	if res := newVisitor(t).get(t, f.origin+"/orders", script); res.StatusCode != 401 {
		t.Errorf("a script without a session gets %d, want 401", res.StatusCode)
	}
	f.reached(t, newVisitor(t).get(t, f.origin+value(services["gateway"].Environment["WXGATE_PUBLIC_PATHS"]), script))

	// With sessions in Redis, a sign-out ends all copies of the cookie.
	copied := v.cookies(t, f.origin)
	if res := v.send(t, "POST", f.origin+"/_wx/logout", script, nil); res.StatusCode != 303 {
		t.Errorf("sign-out = %d, want 303", res.StatusCode)
	}
	again := script.Clone()
	again.Set("Cookie", copied)
	if res := newVisitor(t).get(t, f.origin+"/orders", again); res.StatusCode != 401 {
		t.Errorf("a copy of the cookie gets %d after the sign-out, want 401", res.StatusCode)
	}

	t.Run("health", func(t *testing.T) {
		test := services["gateway"].HealthCheck.Test
		if _, stderr, code := run(t, wxgate, environ, test[2:]...); code != 0 {
			t.Errorf("%q: exit %d, want 0\n%s", test, code, stderr)
		}
		gateway.stop()
		if _, _, code := run(t, wxgate, environ, test[2:]...); code != 1 {
			t.Errorf("%q after the end: exit %d, want 1", test, code)
		}
	})
}

// The gateway starts with what compose.account.yaml and the example give it. The test
// changes only addresses and the place of the secrets.
func TestComposeAccountStarts(t *testing.T) {
	t.Parallel()
	wxgate, secrets := buildGateway(t), t.TempDir()
	key, _, _ := run(t, wxgate, nil, "keygen")
	writeFile(t, filepath.Join(secrets, "cookie-keys"), key)
	writeFile(t, filepath.Join(secrets, "app-secret"), "0123456789abcdef0123456789abcdef")
	moved := strings.NewReplacer("/run/secrets/", secrets+"/", "//redis:6379", "//"+freeAddress(t))
	environ := []string{"WXGATE_LISTEN=127.0.0.1:0", "WXGATE_ADMIN_LISTEN=127.0.0.1:0"}
	for name, content := range compose(t, composeAccount).Services["gateway"].Environment {
		environ = append(environ, name+"="+moved.Replace(value(content)))
	}
	start(t, environ, wxgate).find(`"server":"gateway","address":"([^"]+)"`)
	example := strings.ReplaceAll(readFile(t, "compose.env.example"), "\n#WXGATE_", "\nWXGATE_")
	for line := range strings.Lines(example) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "WXGATE_") {
			name, _, _ := strings.Cut(line, "=")
			environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
			environ = append(environ, line)
		}
	}
	start(t, environ, wxgate).find(`"server":"gateway","address":"([^"]+)"`)
}
