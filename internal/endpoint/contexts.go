package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netmon/console/output"
	"netmon/internal/atomicfile"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// Contexts is the file of the brokers that this user knows by name.
type Contexts struct {
	Current  string             `json:"current,omitempty"`
	Contexts map[string]Context `json:"contexts"`
}

// Context is one broker, and what to be let in by.
type Context struct {
	Broker string   `json:"broker"`
	Creds  []string `json:"creds,omitempty"`
	// Identity is the folder of who joined this broker with a token.
	Identity string `json:"identity,omitempty"`
}

// ContextsPath is "" where this user has no folder of its own.
func ContextsPath() string { return userdirs.Config("contexts.yaml") }

// LoadContexts reads the file. One that is not there, or has no place, has no contexts. The error
// of one that cannot be used names the file, the line, the field and the value.
func LoadContexts(path string) (Contexts, error) {
	f := Contexts{Contexts: map[string]Context{}}
	if path == "" {
		return f, nil
	}
	data, err := safeyaml.ReadFile(path, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = private.Err(private.Trusted(path)) // it says to whom our keys are shown
	}
	if err != nil {
		return f, exit.Usage("contexts: %w", err)
	}
	if err := parseContexts(path, data, &f); err != nil {
		return f, exit.Usage("%w\ncorrect the file, or remove it and add the contexts again (netmon context add)", err)
	}
	if f.HasPasswords() {
		if err := private.Err(private.Secret(path)); err != nil {
			return f, exit.Usage("contexts, with a password: %w", err)
		}
	}
	return f, nil
}

func (f Contexts) HasPasswords() bool {
	for _, c := range f.Contexts {
		if Redact(c.Broker) != c.Broker {
			return true
		}
	}
	return false
}

func parseContexts(path string, data []byte, f *Contexts) error {
	file, err := safeyaml.Parse(data)
	if err != nil {
		return safeyaml.SyntaxError(path, err)
	}
	src := safeyaml.NewSource(path, data)
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		raw, err := safeyaml.JSON(doc.Body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		var p wire.Problems
		p.Add("", wire.DecodeStrict(raw, f))
		if p.Err() == nil {
			p.Add("", f.check())
		}
		for _, e := range wire.FieldErrors(p.Err()) {
			src.Add(doc.Body, e.Path, e.Err)
		}
	}
	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}
	return src.Err()
}

func (f Contexts) check() error {
	var p wire.Problems
	for _, name := range f.Names() {
		at := "contexts." + name
		if err := wire.CheckToken(name); err != nil {
			p.Addf(at, "name %w", err)
		}
		p.Add(at, f.Contexts[name].Check())
	}
	if _, ok := f.Contexts[f.Current]; f.Current != "" && !ok {
		p.Addf("current", "there is no context %q", f.Current)
	}
	return p.Err()
}

func (c Context) Check() error {
	var p wire.Problems
	if err := checkBrokerURL(c.Broker); err != nil {
		p.Add("broker", err)
	}
	if len(c.Creds) > 2 {
		p.Addf("creds", "want one .creds file, or a JWT and its seed, got %d files", len(c.Creds))
	}
	if c.Identity != "" && len(c.Creds) > 0 {
		p.Addf("identity", "and creds both say who you are: keep one of them")
	}
	return p.Err()
}

func (f Contexts) Names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// Save replaces the file in one step: a reader sees the old one or the new one.
// Only this user may read it.
func (f Contexts) Save(path string) error {
	if path == "" {
		return userdirs.Homeless("")
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("# Brokers by name: netmon context add|ls|use|rm, or edit this.\n")
	if err := output.YAML(&b, json.RawMessage(data)); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // somebody keeps it elsewhere
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, b.Bytes())
}

// checkBrokerURL reports why s is not the address of a broker, or of several
// of one cluster, by commas.
func checkBrokerURL(s string) error {
	const want = "want a URL such as nats://host:4222"
	if strings.TrimSpace(s) == "" {
		return errors.New(want + ", got nothing")
	}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		full := part
		if !strings.Contains(part, "://") {
			full = "nats://" + part // as nats.go reads it
		}
		u, err := url.Parse(full)
		if err != nil || u.Hostname() == "" {
			return fmt.Errorf(want+", got %q", Redact(part))
		}
		switch u.Scheme {
		case "nats", "tls", "ws", "wss":
		default:
			return fmt.Errorf("want nats://, tls://, ws:// or wss://, got %q", Redact(part))
		}
	}
	return nil
}

// Redact takes the password out of a broker's addresses.
func Redact(s string) string {
	parts := strings.Split(s, ",")
	for i, part := range parts {
		scheme, rest, ok := strings.Cut(part, "://")
		if !ok {
			scheme, rest = "", part
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			shown := "xxxxx" // a lone word before the @ is a token, which is a secret too
			if user, _, ok := strings.Cut(rest[:at], ":"); ok {
				shown = user + ":xxxxx"
			}
			rest = shown + rest[at:]
		}
		if ok {
			rest = scheme + "://" + rest
		}
		parts[i] = rest
	}
	return strings.Join(parts, ",")
}
