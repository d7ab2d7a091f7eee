package helm_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkNames checks names, labels and annotations as the API server does.
func checkNames(t *testing.T, os objects) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range os {
		key := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
		if seen[key] {
			t.Errorf("%s stands twice", o)
		}
		seen[key] = true
		problems := validation.IsDNS1123Subdomain(o.GetName())
		if o.GetKind() == "Service" {
			problems = validation.IsDNS1035Label(o.GetName())
		}
		for _, err := range metav1validation.ValidateLabels(o.GetLabels(), field.NewPath("labels")) {
			problems = append(problems, err.Error())
		}
		for _, err := range apivalidation.ValidateAnnotations(o.GetAnnotations(), field.NewPath("annotations")) {
			problems = append(problems, err.Error())
		}
		// Others add suffixes to the name, such as a Deployment's pods.
		if len(o.GetName()) > 63 {
			problems = append(problems, "the name is longer than 63 characters")
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", o, problem)
		}
	}
	for _, p := range os.pods() {
		for _, err := range metav1validation.ValidateLabels(p.meta.Labels, field.NewPath("labels")) {
			t.Errorf("pod of %s: %v", p.object, err)
		}
	}
}

// hasVersion reports whether an image has a digest, or a tag that says which version
// it is.
func hasVersion(image string) bool {
	if strings.Contains(image, "@sha256:") {
		return true
	}
	_, tag, ok := strings.Cut(path.Base(image), ":")
	return ok && tag != "" && tag != "latest"
}

// checkMemoryLimit checks that the collector works harder before the kernel kills the
// process.
func checkMemoryLimit(t *testing.T, goLimit string, c corev1.Container) {
	t.Helper()
	limit, err := resource.ParseQuantity(strings.TrimSuffix(goLimit, "B"))
	if err != nil {
		t.Errorf("GOMEMLIMIT = %s: %v", goLimit, err)
		return
	}
	if share := float64(limit.Value()) / float64(c.Resources.Limits.Memory().Value()); share < 0.5 || share > 0.95 {
		t.Errorf("GOMEMLIMIT = %s is %.0f %% of the limit %s", goLimit, 100*share, c.Resources.Limits.Memory())
	}
}

// checkStop checks that a stopping pod has the time that its gateway may take.
func checkStop(t *testing.T, os objects) {
	t.Helper()
	p, c := wxgateContainer(t, os)
	env := environment(t, os, c)
	needed := 5 * time.Second
	for name, preset := range map[string]string{"WXGATE_DRAIN_DELAY": "5s", "WXGATE_SHUTDOWN_TIMEOUT": "30s"} {
		text, ok := env[name]
		if !ok {
			text = preset
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		needed += d
	}
	grace := time.Duration(value(p.spec.TerminationGracePeriodSeconds)) * time.Second
	if grace < needed {
		t.Errorf("terminationGracePeriodSeconds = %v, want the %v that a stop may take", grace, needed)
	}
	// In one pod with the site, the site must not stop before the gateway.
	for _, site := range p.spec.Containers {
		hook := value(value(value(site.Lifecycle).PreStop).Sleep)
		if sleep := time.Duration(hook.Seconds) * time.Second; sleep > grace {
			t.Errorf("container %s sleeps %v of the %v that the pod has", site.Name, sleep, grace)
		}
	}
}

// secretVariable matches the variables that hold a secret. The contract gives each of
// them a form with _FILE.
var secretVariable = regexp.MustCompile(
	`^WXGATE_(SITES_[0-9]+_)?((QR_)?APP_SECRET|COOKIE_KEYS|REDIS_URL|ADMIN_TOKEN|HUB_KEY)$|^OTEL_EXPORTER_OTLP_HEADERS$`)

var fileVariable = regexp.MustCompile(`^(WXGATE|OTEL)_.*_(FILE|DIR)$`)

// checkSecrets checks that secrets are files of the gateway alone, and that each file
// has a variable that names it.
func checkSecrets(t *testing.T, os objects) {
	t.Helper()
	p, c := wxgateContainer(t, os)
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			t.Errorf("%s is a variable with a secret, want it in a file", e.Name)
		}
	}
	named := namedFiles(t, environment(t, os, c), mountedFiles(p, c))
	for _, f := range mountedFiles(p, c) {
		if f.secret != "" && (!f.readOnly || !named[f.path]) {
			t.Errorf("%s of the Secret %s is mounted read-only: %t, and named by a variable: %t",
				f.path, f.secret, f.readOnly, named[f.path])
		}
	}
	for _, other := range p.spec.Containers {
		for _, f := range mountedFiles(p, other) {
			if f.secret != "" && named[f.path] && other.Name != c.Name {
				t.Errorf("container %s mounts %s of the Secret %s, want it for wxgate alone",
					other.Name, f.path, f.secret)
			}
		}
	}
	checkModes(t, p)
}

// namedFiles returns the paths of the mounted files that variables name. It checks that
// variables name no other files.
func namedFiles(t *testing.T, env map[string]string, files []mountedFile) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	for name, value := range env {
		if secretVariable.MatchString(name) {
			t.Errorf("%s holds a secret, want it in a file", name)
		}
		if !fileVariable.MatchString(name) {
			continue
		}
		found := false
		for _, f := range files {
			if f.has(value) || f.folder && f.path == value {
				found, named[f.path] = true, true
			}
		}
		if !found {
			t.Errorf("%s = %q, which no volume holds", name, value)
		}
	}
	return named
}

// checkModes checks that only the gateway's group may read the Secrets: the files
// belong to root.
func checkModes(t *testing.T, p pod) {
	t.Helper()
	for _, v := range p.spec.Volumes {
		mode := ""
		switch {
		case v.Secret != nil:
			mode = fmt.Sprintf("%#o", value(v.Secret.DefaultMode))
		case v.Projected != nil:
			mode = fmt.Sprintf("%#o", value(v.Projected.DefaultMode))
		default:
			continue
		}
		if mode != "0400" {
			t.Errorf("volume %s has the mode %s, want 0400", v.Name, mode)
		}
	}
	security := value(p.spec.SecurityContext)
	if got, want := value(security.FSGroup), value(security.RunAsGroup); got != want || want == 0 {
		t.Errorf("fsGroup = %d, want runAsGroup %d", got, want)
	}
}
