package suite

import (
	"slices"
	"sort"
)

// order keeps corps in the order of their ids, so that any of them can be gone on from, also
// by who comes back later with an id alone. One that comes or leaves moves a part of its chunk
// only, as pages wait meanwhile.
type order struct{ chunks [][]*corp } // none is empty

// maxChunk is how many stand in one chunk at most.
const maxChunk = 512

// chunkOf returns the chunk in which a corp has its place, the last one whose first comes not
// behind it, and the place.
func (o *order) chunkOf(id string) (chunk, place int) {
	chunk = max(0, sort.Search(len(o.chunks), func(i int) bool { return o.chunks[i][0].id > id })-1)
	if chunk < len(o.chunks) {
		place = sort.Search(len(o.chunks[chunk]), func(i int) bool { return o.chunks[chunk][i].id >= id })
	}
	return chunk, place
}

// add gives a corp its place. It must not be there.
func (o *order) add(c *corp) {
	if len(o.chunks) == 0 {
		o.chunks = [][]*corp{append(newChunk(), c)}
		return
	}
	at, place := o.chunkOf(c.id)
	if len(o.chunks[at]) == maxChunk {
		o.split(at)
		at, place = o.chunkOf(c.id)
	}
	o.chunks[at] = slices.Insert(o.chunks[at], place, c)
}

func newChunk() []*corp { return make([]*corp, 0, maxChunk) }

// split makes two chunks of one.
func (o *order) split(at int) {
	const half = maxChunk / 2
	whole := o.chunks[at]
	o.chunks = slices.Insert(o.chunks, at+1, append(newChunk(), whole[half:]...))
	clear(whole[half:])
	o.chunks[at] = whole[:half]
}

// remove takes a corp out. It must be there.
func (o *order) remove(c *corp) {
	at, place := o.chunkOf(c.id)
	o.chunks[at] = slices.Delete(o.chunks[at], place, place+1)
	if len(o.chunks[at]) == 0 {
		o.chunks = slices.Delete(o.chunks, at, at+1)
	}
}

// from calls back for the first corps that follow, in order, at most n of them. follows must
// hold for all ids behind one that it holds for.
func (o *order) from(follows func(id string) bool, n int, do func(*corp)) {
	at := sort.Search(len(o.chunks), func(i int) bool { return follows(o.chunks[i][len(o.chunks[i])-1].id) })
	if at == len(o.chunks) {
		return
	}
	place := sort.Search(len(o.chunks[at]), func(i int) bool { return follows(o.chunks[at][i].id) })
	for ; at < len(o.chunks) && n > 0; at, place = at+1, 0 {
		some := o.chunks[at][place:]
		some = some[:min(n, len(some))]
		for _, c := range some {
			do(c)
		}
		n -= len(some)
	}
}
