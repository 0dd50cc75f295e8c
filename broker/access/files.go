package access

import (
	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// FilesAuthor is in whose name the controller saves what the files of its folder want. It
// was never anybody else's: see reserved.
const FilesAuthor = string(roleController)

// Files is how the controller in this process saves what the files of its folder want: the
// options that connect it, beside those of the broker, and what signs. The connection has
// the role of an operator. The signature counts for saved monitors and settings at the
// gates of this process alone: no agent obeys it, and it lets nobody in. Both keys are
// kept nowhere.
func (a *Authority) Files() ([]nats.Option, *identity.Signer, error) {
	o, err := a.Built(wire.RoleOperator, FilesAuthor)
	return o, identity.SignBy(a.filesKey), err
}

// Operators checks what this authority let in, also after a change of the authority.
func (a *Authority) Operators() *identity.Operators { return identity.OperatorsBy(a.savedPins) }

// savers are the roles that save monitors and settings.
var savers = append(changers[:len(changers):len(changers)], roleController)

// saver is whose key it is, of those that may save.
func (a *Authority) saver(key string) (wire.Member, bool) {
	if key == public(a.filesKey) {
		return wire.Member{Key: key, Name: FilesAuthor, Role: roleController}, true
	}
	return a.registry.signer(key)
}
