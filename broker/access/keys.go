package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// keys are all private keys of a mesh. Whoever has them is the mesh.
type keys struct {
	operator nkeys.KeyPair
	accounts map[string]nkeys.KeyPair    // by name
	roles    map[wire.Role]nkeys.KeyPair // that sign users
	join     nkeys.KeyPair               // that signs the one user of JOIN
}

// keyFile is how they are kept: seeds, in a file of mode 0600.
type keyFile struct {
	Operator string               `json:"operator"`
	Accounts map[string]string    `json:"accounts"`
	Roles    map[wire.Role]string `json:"roles"`
	Join     string               `json:"join"`
}

const keysName = "keys.json"

// openKeys reads the keys of a folder, or makes them.
func openKeys(dir string) (*keys, error) {
	path := filepath.Join(dir, keysName)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return makeKeys(path)
	case err != nil:
		return nil, fmt.Errorf("keys of the mesh: %w", err)
	}
	var f keyFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("keys of the mesh: %s: %w", path, err)
	}
	if err := f.addLater(path); err != nil {
		return nil, err
	}
	k := &keys{accounts: map[string]nkeys.KeyPair{}, roles: map[wire.Role]nkeys.KeyPair{}}
	var errs []error
	read := func(what, seed string) nkeys.KeyPair {
		kp, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: the key of %s: %w", path, what, err))
		}
		return kp
	}
	k.operator, k.join = read("the operator", f.Operator), read("joining", f.Join)
	for _, name := range accountNames {
		k.accounts[name] = read("account "+name, f.Accounts[name])
	}
	for _, g := range grants() {
		k.roles[g.role] = read("role "+string(g.role), f.Roles[g.role])
	}
	return k, errors.Join(errs...)
}

var accountNames = []string{accountMesh, accountAgents, accountNotifiers, accountConsoles, accountJoin, accountSystem} // who imports comes after whom from

// addLater makes the keys that an older netmon knew nothing of. Any other that is
// missing was lost.
func (f *keyFile) addLater(path string) error {
	_, account := f.Accounts[accountNotifiers]
	_, role := f.Roles[wire.RoleNotifier]
	if account || role || len(f.Accounts) == 0 || len(f.Roles) == 0 {
		return nil
	}
	for _, add := range []func(seed string){
		func(seed string) { f.Accounts[accountNotifiers] = seed },
		func(seed string) { f.Roles[wire.RoleNotifier] = seed },
	} {
		key, err := nkeys.CreateAccount()
		if err != nil {
			return fmt.Errorf("make the keys of notifiers: %w", err)
		}
		seed, err := key.Seed()
		if err != nil {
			return fmt.Errorf("make the keys of notifiers: %w", err)
		}
		add(string(seed))
	}
	return f.write(path)
}

func (f *keyFile) write(path string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = atomicfile.Write(path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the keys of the mesh: %w", err)
	}
	return nil
}

func makeKeys(path string) (*keys, error) {
	f := keyFile{Accounts: map[string]string{}, Roles: map[wire.Role]string{}}
	k := &keys{accounts: map[string]nkeys.KeyPair{}, roles: map[wire.Role]nkeys.KeyPair{}}
	var errs []error
	make := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		kp, err := create()
		if err != nil {
			errs = append(errs, err)
			return nil, ""
		}
		seed, err := kp.Seed()
		errs = append(errs, err)
		return kp, string(seed)
	}
	k.operator, f.Operator = make(nkeys.CreateOperator)
	k.join, f.Join = make(nkeys.CreateAccount)
	for _, name := range accountNames {
		k.accounts[name], f.Accounts[name] = make(nkeys.CreateAccount)
	}
	for _, g := range grants() {
		k.roles[g.role], f.Roles[g.role] = make(nkeys.CreateAccount)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("make the keys of the mesh: %w", err)
	}
	return k, f.write(path)
}

func public(kp nkeys.KeyPair) string {
	p, err := kp.PublicKey()
	if err != nil {
		return "" // only of a key that was wiped
	}
	return p
}
