package identity_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/wire"
)

// An identity is kept in a folder: who it is, and a key. It connects with it,
// and signs what changes something.
func Example() {
	dir, err := os.MkdirTemp("", "netmon-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	authority, err := access.Open(filepath.Join(dir, "access"), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer authority.Close()
	// On another host this is identity.Join, by a line of netmon token new.
	anna := filepath.Join(dir, "anna")
	if _, err := authority.Enrol(anna, "tls://broker.example.org:4222", wire.AccessCommand{Name: "anna", Role: wire.RoleOperator}); err != nil {
		log.Fatal(err)
	}

	id, err := identity.Load(anna)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Credential.Name, id.Credential.Role, id.URL)
	options, err := id.Options(anna) // for nats.Connect
	fmt.Println(len(options) > 0, err)

	header, err := identity.SignByFile(identity.Creds(anna)).Sign("agent.paris.cmd", "", []byte(`{"op":"list"}`), wire.Proof{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = identity.Check(header, "agent.paris.cmd", "", []byte(`{"op":"list"}`))
	fmt.Println("as it was signed:", err == nil)
	_, err = identity.Check(header, "agent.paris.cmd", "", []byte(`{"op":"stop"}`))
	fmt.Println("changed on the way:", err == nil)
	// Output:
	// anna operator tls://broker.example.org:4222
	// true <nil>
	// as it was signed: true
	// changed on the way: false
}
