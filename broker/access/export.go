package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// claimsAnswer reads what a server says to a changed account.
func claimsAnswer(data []byte) error {
	var r struct {
		Data struct {
			Code int `json:"code"`
		} `json:"data"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if r.Error != nil || r.Data.Code != 200 {
		why := "no reason given"
		if r.Error != nil {
			why = r.Error.Description
		}
		return fmt.Errorf("the server did not take it: %s", why)
	}
	return nil
}

const exportConf = "nats-server.conf"

// Export writes what a nats-server that is not embedded needs to know the
// mesh's identities: a configuration with the operator and the accounts, and
// the certificate of the broker. The keys that sign stay where they are, with
// `netmon controller --access`.
func (a *Authority) Export(dir string, port int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	operator, err := a.keys().operatorJWT()
	if err != nil {
		return err
	}
	accounts, err := a.Accounts()
	if err != nil {
		return err
	}
	sentinel, err := a.keys().joinJWT()
	if err != nil {
		return err
	}
	var conf bytes.Buffer
	err = exported.Execute(&conf, map[string]any{"Port": port, "Operator": operator, "System": public(a.keys().accounts[accountSystem]),
		"Accounts": accounts, "Sentinel": sentinel})
	if err != nil {
		return err
	}
	files := map[string][]byte{exportConf: conf.Bytes(), "ca.pem": a.certs().authority}
	for name, from := range map[string]string{"broker.pem": a.certs().certFile, "broker-key.pem": a.certs().keyFile} {
		if files[name], err = os.ReadFile(from); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	for name, data := range files {
		if err := atomicfile.Write(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

var exported = template.Must(template.New("conf").Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(
	`# netmon: a nats-server that knows the mesh's identities. Start it in this folder:
#   nats-server -c nats-server.conf
# For a cluster, give each server this file with its own server_name and a
# cluster block. Accounts that change later come over the system account.
port: {{.Port}}
max_payload: 1MB
jetstream { store_dir: "./jetstream", sync_interval: "1s" }
tls { cert_file: "./broker.pem", key_file: "./broker-key.pem", min_version: "1.3", timeout: 5 }
operator: {{quote .Operator}}
system_account: {{.System}}
default_sentinel: {{quote .Sentinel}}
resolver { type: full, dir: "./accounts", allow_delete: false, interval: "2m" }
resolver_preload {
{{- range .Accounts}}
  # {{.Name}}
  {{.Key}}: {{quote .JWT}}
{{- end}}
}
`))

// Outside is [Authority.Built] for a connection over TLS.
func (a *Authority) Outside(role wire.Role, name string) ([]nats.Option, error) {
	conf, err := a.ClientTLS()
	if err != nil {
		return nil, err
	}
	o, err := a.Built(role, name)
	return append(o, nats.Secure(conf)), err
}

// System connects to the servers' own account.
func (a *Authority) System() ([]nats.Option, error) {
	conf, err := a.ClientTLS()
	if err != nil {
		return nil, err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	token, err := a.keys().systemJWT(public(key))
	if err != nil {
		return nil, err
	}
	return []nats.Option{nats.Secure(conf), nats.Name("netmon access"), nats.UserJWT(func() (string, error) { return token, nil }, key.Sign)}, nil
}
