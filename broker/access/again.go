package access

import (
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// again says that what is saved came from a mesh that was not this one.
type again struct {
	sync.Mutex
	done func() error // called once all of it is accepted; nil when nothing came
}

// AdoptAgain has the next [Authority.Adopt] accept what the broker brought along
// from a time when nobody had to sign, or when another authority let people in.
// done is called when that is done.
//
// It holds for this process alone: the registry keeps that all was accepted, so that
// no server in other hands, beside the same folder, has something accepted later.
func (a *Authority) AdoptAgain(done func() error) {
	a.again.Lock()
	defer a.again.Unlock()
	a.again.done = done
}

// counts says whether something saved needs no acceptance. Of what came from
// elsewhere only this authority's own word does. It needs again's lock.
func (a *Authority) counts(m *jetstream.RawStreamMsg) bool {
	accepted := m.Header.Get(wire.AcceptedHeader)
	if accepted == "" || a.again.done == nil {
		return accepted != ""
	}
	return a.CheckSaved(m.Subject, m.Header.Get(headerOperation), accepted, m.Header.Get(wire.ProofHeader), m.Data) == nil
}

// Account is the public key of the account in which the mesh keeps its streams.
func (a *Authority) Account() string { return public(a.keys().accounts[accountMesh]) }
