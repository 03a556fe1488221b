package docs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// tool runs a program that reads a file of deploy, and returns what it prints. Without it,
// or where it does not work at all, the test is skipped.
func tool(t *testing.T, works []string, args ...string) (out, said string) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), works[0], works[1:]...).Run(); err != nil {
		t.Skipf("%q: %v", works, err)
	}
	cmd := exec.CommandContext(t.Context(), works[0], args...)
	cmd.Dir = "deploy"
	cmd.Env = append(os.Environ(), "DINGTALK_APP_KEY=dingkey")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", works[0], args, err, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

// adapted asserts that a Caddyfile is as caddy fmt has it and has a directive that is right.
func adapted(t *testing.T, text []byte) {
	t.Helper()
	if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("not as caddy fmt has it:\n%s", text)
	}
	if config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil || len(warnings) > 0 || !bytes.Contains(config, []byte(`"dingtalk"`)) {
		t.Errorf("%v %v in\n%s", err, warnings, text)
	}
}

func TestSystemdTakesTheUnitAndTheDropIn(t *testing.T) {
	binary, err := os.Executable() // systemd asks whether what it is to start is there
	if err != nil {
		t.Fatal(err)
	}
	// What Caddy's packages have, as far as the drop-in changes it.
	const packaged = "[Unit]\nDescription=Caddy\n[Service]\nType=notify\nUser=caddy\nExecStart=/usr/local/bin/caddy run --environ --config /etc/caddy/Caddyfile\nExecReload=/usr/local/bin/caddy reload\n"
	for name, files := range map[string]map[string]string{
		"unit":    {"caddy.service": string(read(t, "deploy/caddy.service"))},
		"drop-in": {"caddy.service": packaged, "caddy.service.d/dingtalk.conf": string(read(t, "deploy/caddy.service.d-dingtalk.conf"))},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				path := filepath.Join(dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(strings.ReplaceAll(text, "/usr/local/bin/caddy", binary)), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if out, said := tool(t, []string{"systemd-analyze", "verify", "--man=no", "default.target"}, "verify", "--man=no", filepath.Join(dir, "caddy.service")); strings.Contains(out+said, dir) {
				t.Errorf("systemd says\n%s%s", out, said)
			}
		})
	}
}

func TestDockerTakesTheComposeFile(t *testing.T) {
	text := read(t, "deploy/Caddyfile")
	adapted(t, text)
	if secret := "{file./run/secrets/dingtalk_app_secret}"; !bytes.Contains(text, []byte(secret)) || !bytes.Contains(read(t, "deploy/compose.yaml"), []byte("\nsecrets:\n  dingtalk_app_secret:\n")) {
		t.Errorf("the secret of the Caddyfile is not that of the compose file")
	}
	if out, _ := tool(t, []string{"docker", "stack", "config", "--help"}, "stack", "config", "-c", "compose.yaml"); !strings.Contains(out, "DINGTALK_APP_KEY: dingkey") {
		t.Errorf("docker reads\n%s", out)
	}
}

// TestKubernetesTakesTheManifests: what kubectl does not know is not there in what it reads.
func TestKubernetesTakesTheManifests(t *testing.T) {
	works := []string{"kubectl", "label", "--help"}
	plain, _ := tool(t, works, "label", "--local", "-f", "kubernetes.yaml", "of=test", "-o", "json")
	var kinds []string
	for _, written := range documents(t, plain) {
		kind := written["kind"].(string)
		kinds = append(kinds, kind)
		if kind == "ConfigMap" {
			adapted(t, []byte(written["data"].(map[string]any)["Caddyfile"].(string)))
		}
		if kind != "Deployment" {
			continue
		}
		file := filepath.Join(t.TempDir(), "deployment.json")
		text, err := json.Marshal(written)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		typed, _ := tool(t, works, "set", "image", "--local", "-f", file, "app=example.com/h5:1", "caddy=another", "-o", "json")
		known := documents(t, typed)
		if len(known) != 1 {
			t.Fatalf("kubectl says %s", typed)
		}
		if lost := lacks(known[0], written, kind); len(lost) != 1 || !strings.HasSuffix(lost[0], ".image") {
			t.Errorf("besides the image that it has changed kubectl does not know all of %v", lost)
		}
	}
	if fmt.Sprint(kinds) != "[ConfigMap Deployment Service Ingress]" {
		t.Errorf("the manifests are of %v", kinds)
	}
}

// documents reads one JSON object after the other.
func documents(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var one map[string]any
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, one)
	}
}

// lacks names what another value has and this one has not.
func lacks(this, other any, path string) (missing []string) {
	switch other := other.(type) {
	case map[string]any:
		fields, _ := this.(map[string]any)
		for name, value := range other {
			missing = append(missing, lacks(fields[name], value, path+"."+name)...)
		}
	case []any:
		items, _ := this.([]any)
		if len(items) != len(other) {
			return []string{path}
		}
		for i, value := range other {
			missing = append(missing, lacks(items[i], value, fmt.Sprintf("%s[%d]", path, i))...)
		}
	default:
		if fmt.Sprint(this) != fmt.Sprint(other) {
			missing = append(missing, path)
		}
	}
	return missing
}
