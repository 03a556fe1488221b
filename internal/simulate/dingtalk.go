package main

import "math/rand/v2"

// dingtalk is what DingTalk's limits say to a call: so many a second of each interface of an app
// (90018), and 10 000 in 20 s from one address, or it is shut out for five minutes (status 1111).
type dingtalk struct {
	perInterface float64
	left         [callKinds]float64 // of each interface, refilled all the time
	refilled     [callKinds]float64
	addresses    []address
	shutOut      int // how often that happened
}

type address struct {
	since, until float64
	used         int
}

const (
	addressLimit = 10_000
	addressTime  = 20.0
	shutOutTime  = 300.0
)

func newDingTalk(p params) dingtalk {
	return dingtalk{perInterface: p.PerInterface, addresses: make([]address, max(p.Addresses, 1))}
}

// answers tells whether a call is answered rather than refused.
func (d *dingtalk) answers(now float64, kind call, from int) bool {
	a := &d.addresses[from]
	if now < a.until {
		return false
	}
	if now-a.since >= addressTime {
		a.since, a.used = now, 0
	}
	if a.used++; a.used > addressLimit {
		a.until = now + shutOutTime
		d.shutOut++
		return false
	}
	if d.perInterface == 0 {
		return true
	}
	d.left[kind] = min(d.left[kind]+(now-d.refilled[kind])*d.perInterface, d.perInterface)
	d.refilled[kind] = now
	if d.left[kind] < 1 {
		return false
	}
	d.left[kind]--
	return true
}

// zipf draws corps by Zipf's law: the nth is asked for 1/n as often as the first. It is Walker's
// alias method, two looks a draw.
type zipf struct {
	keep  []float64
	alias []int32
}

func newZipf(n int) *zipf {
	z := &zipf{make([]float64, n), make([]int32, n)}
	sum := 0.0
	for i := range n {
		sum += 1 / float64(i+1)
	}
	var small, large []int32
	for i := range n {
		z.keep[i] = float64(n) / (float64(i+1) * sum)
		if z.keep[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		z.alias[s] = l
		if z.keep[l] -= 1 - z.keep[s]; z.keep[l] < 1 {
			large, small = large[:len(large)-1], append(small, l)
		}
	}
	for _, rest := range [][]int32{small, large} {
		for _, i := range rest {
			z.keep[i] = 1
		}
	}
	return z
}

func (z *zipf) draw(rng *rand.Rand) int32 {
	i := rng.IntN(len(z.keep))
	if rng.Float64() < z.keep[i] {
		return int32(i)
	}
	return z.alias[i]
}
