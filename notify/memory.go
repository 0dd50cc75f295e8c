package notify

import (
	"sync"

	"netmon/wire"
)

// memory is what this notifier knows became of the newest notices of a channel. Nothing
// depends on it but that a message is not sent twice where no notifier was stopped.
type memory struct {
	mu  sync.Mutex // guards what follows
	all map[string]remembered
}

type remembered struct {
	wire.Delivery
	is whether
}

// whether a delivery is stored.
type whether int

const (
	unknown whether = iota
	unsaved
	saved
)

// maxRemembered bounds how many are remembered.
const maxRemembered = 4096

func (m *memory) remember(d wire.Delivery, is whether) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, r := range m.all {
		if len(m.all) < maxRemembered {
			break
		}
		if r.is == saved || len(m.all) > 2*maxRemembered {
			delete(m.all, id)
		}
	}
	m.all[d.Incident] = remembered{d, is}
}

func (m *memory) recall(incident string) (wire.Delivery, whether) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.all[incident]
	return r.Delivery, r.is
}
