package history

import (
	"slices"
	"sync/atomic"
)

// Names are the names of phases, by the number that stands for one in what is packed.
// The zero value is ready. A number once given is never another name's. One goroutine
// may pack while others unpack.
type Names struct {
	list atomic.Pointer[[]string] // never changed, only replaced
}

// NamesOf are names that were kept.
func NamesOf(list []string) *Names {
	n := &Names{}
	list = slices.Clone(list)
	n.list.Store(&list)
	return n
}

// All lists the names, by number. It is not to be changed.
func (n *Names) All() []string {
	if list := n.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (n *Names) number(name string) uint64 {
	list := n.All()
	i := slices.Index(list, name)
	if i < 0 {
		i = len(list)
		list = append(slices.Clone(list), name)
		n.list.Store(&list)
	}
	return uint64(i)
}
