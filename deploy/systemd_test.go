package deploy_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	systemdUnit = "systemd/wxgate.service"
	systemdEnv  = "systemd/wxgate.env.example"
)

// maxExposure is the most that `systemd-analyze security` may find, in tenths of what it
// prints. A service without hardening has 9.6.
const maxExposure = "15"

// A unit holds the values of each setting, by "Section.Name".
type unit map[string][]string

func systemdUnitFile(t *testing.T) unit {
	t.Helper()
	return parseUnit(t, readFile(t, systemdUnit))
}

func parseUnit(t *testing.T, text string) unit {
	t.Helper()
	u, section := unit{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch name, content, ok := strings.Cut(line, "="); {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case ok && !strings.HasSuffix(line, `\`):
			u[section+"."+name] = append(u[section+"."+name], content)
		default:
			t.Fatalf("%s: %q is no setting in one line", systemdUnit, line)
		}
	}
	return u
}

// one returns the value of a setting of the service that is there once.
func (u unit) one(t *testing.T, name string) string {
	t.Helper()
	if len(u["Service."+name]) != 1 {
		t.Fatalf("%s: %s is %q, want one value", systemdUnit, name, u["Service."+name])
	}
	return u["Service."+name][0]
}

// environment returns what systemd gives the process: the values of the unit, then those
// of the file. The credentials are in dir.
func (u unit) environment(t *testing.T, file, dir string) map[string]string {
	t.Helper()
	env := map[string]string{}
	lines := slices.Collect(strings.Lines(file))
	for _, line := range append(slices.Clone(u["Service.Environment"]), lines...) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, content, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(content, `"'\ `) {
			t.Fatalf("%q is no assignment without quotes", line)
		}
		env[name] = strings.ReplaceAll(content, "%d", dir)
	}
	return env
}

func TestSystemdUnitIsHardened(t *testing.T) {
	t.Parallel()
	analyze := installed(t, "systemd-analyze")
	u := systemdUnitFile(t)
	binary, _, _ := strings.Cut(u.one(t, "ExecStart"), " ")
	if binary != "/usr/local/bin/wxgate" {
		t.Fatalf("ExecStart = %s", binary)
	}
	// It has to exist. systemd-analyze does not start it.
	file := filepath.Join(t.TempDir(), "wxgate.service")
	writeFile(t, file, strings.ReplaceAll(readFile(t, systemdUnit), binary, installed(t, "systemd-analyze")))

	verify := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file)
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	security := exec.CommandContext(t.Context(), analyze,
		"security", "--offline=true", "--no-pager", "--threshold="+maxExposure, file)
	if out, err := security.CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
		"MemoryDenyWriteExecute": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
	} {
		if got := u.one(t, name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	// systemd would restart a gateway with a wrong configuration for ever.
	if u.one(t, "Restart") != "always" || u.one(t, "RestartPreventExitStatus") != "2" {
		t.Errorf("Restart=%s but for %s, want always but for exit code 2",
			u.one(t, "Restart"), u.one(t, "RestartPreventExitStatus"))
	}
}

func TestSystemdUnitStopsAndReloads(t *testing.T) {
	t.Parallel()
	u := systemdUnitFile(t)
	if u.one(t, "KillSignal") != "SIGTERM" || u.one(t, "ExecReload") != "/bin/kill -HUP $MAINPID" {
		t.Errorf("stops with %s, reloads with %s, want SIGTERM and SIGHUP",
			u.one(t, "KillSignal"), u.one(t, "ExecReload"))
	}
	env := u.environment(t, readFile(t, systemdEnv), "")
	needed := 30 * time.Second // the default of WXGATE_SHUTDOWN_TIMEOUT
	drain, err := time.ParseDuration(env["WXGATE_DRAIN_DELAY"])
	if err != nil || env["WXGATE_SHUTDOWN_TIMEOUT"] != "" {
		t.Errorf("WXGATE_DRAIN_DELAY: %v; WXGATE_SHUTDOWN_TIMEOUT %q", err, env["WXGATE_SHUTDOWN_TIMEOUT"])
	}
	stop, err := time.ParseDuration(u.one(t, "TimeoutStopSec"))
	if err != nil || stop < needed+drain+5*time.Second {
		t.Errorf("TimeoutStopSec = %v (%v), want 5s more than the %v that a stop may take", stop, err, needed+drain)
	}
}

// The gateway starts with the unit's command and environment, gives the site what it
// should, and ends in order.
func TestGatewayAcceptsTheUnitsEnvironment(t *testing.T) {
	t.Parallel()
	shipped := readFile(t, systemdUnit)
	u := parseUnit(t, strings.NewReplacer("\n#LoadCredential=", "\nLoadCredential=", "\n#Environment=", "\nEnvironment=").
		Replace(shipped))
	wxgate, credentials := buildGateway(t), t.TempDir()
	key, _, _ := run(t, wxgate, nil, "keygen")
	content := map[string]string{
		"app-secret": "0123456789abcdef0123456789abcdef\n", "cookie-keys": key,
		"redis-url": "redis://:password@" + freeAddress(t) + "/0\n",
	}
	for _, load := range u["Service.LoadCredential"] {
		name, source, _ := strings.Cut(load, ":")
		if path.Dir(source) != "/etc/wxgate" || content[name] == "" {
			t.Errorf("LoadCredential=%s, want a file of /etc/wxgate", load)
		}
		writeFile(t, filepath.Join(credentials, name), content[name])
	}
	if u.one(t, "EnvironmentFile") != "/etc/wxgate/wxgate.env" {
		t.Errorf("EnvironmentFile=%s", u.one(t, "EnvironmentFile"))
	}
	_, arguments, _ := strings.Cut(u.one(t, "ExecStart"), " ")
	example := readFile(t, systemdEnv)
	for name, files := range map[string]struct {
		unit unit
		env  string
	}{
		"as shipped":     {parseUnit(t, shipped), example},
		"with all lines": {u, strings.ReplaceAll(example, "\n#WXGATE_", "\nWXGATE_")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := files.unit.environment(t, files.env, credentials)
			for _, name := range []string{"WXGATE_LISTEN", "WXGATE_ADMIN_LISTEN"} {
				if !strings.HasPrefix(env[name], "127.0.0.1:") {
					t.Errorf("%s=%s, want loopback", name, env[name])
				}
				env[name] = "127.0.0.1:0"
			}
			if redis := env["WXGATE_REDIS_URL_FILE"] != ""; redis != (env["WXGATE_SESSION_STORE"] == "redis") {
				t.Errorf("the address of Redis is a file: %t", redis)
			}
			var environ []string
			for name, content := range maps.All(env) {
				if name == "WXGATE_REDIS_URL" {
					t.Error("the address of Redis, with its password, is a variable")
				}
				environ = append(environ, name+"="+content)
			}
			p := start(t, environ, wxgate, strings.Fields(arguments)...)
			f := front{address: p.find(`"server":"gateway","address":"([^"]+)"`)}
			f.origin = "http://" + f.address
			var refused struct{ Error string }
			got := newVisitor(t).get(t, f.origin+"/orders", script)
			if err := json.Unmarshal(got.body, &refused); got.StatusCode != 401 || refused.Error != "unauthorized" {
				t.Errorf("a script without a session gets %d %q (%v), want 401", got.StatusCode, got.body, err)
			}
			p.stop()
			if _, after, _ := strings.Cut(p.text(), `"level":"error"`); after != "" && env["WXGATE_REDIS_URL_FILE"] == "" {
				t.Errorf("the log holds an error: %s", after)
			}
		})
	}
}
