package ocr

import (
	"cmp"
	"slices"
)

// histogram counts values of bytes.
type histogram struct {
	counts [256]int
	n      int
}

func (h *histogram) add(v byte) {
	h.counts[v]++
	h.n++
}

// addAll counts many at once.
//
//go:norace
func (h *histogram) addAll(values []byte) {
	for _, v := range values {
		h.counts[v]++
	}
	h.n += len(values)
}

// share is the least value that so large a share of all does not exceed.
func (h *histogram) share(f float64) byte {
	seen := 0
	for v, k := range h.counts {
		if seen += k; float64(seen) >= f*float64(h.n) {
			return byte(v)
		}
	}
	return 255
}

// median is the middle one of values, of which there is at least one; of an even
// count the larger of two.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// sums are added up values, so that the mean of a stretch is a difference.
type sums []float64

func sumsOf(v []float64) sums {
	out := make(sums, len(v)+1)
	for i, x := range v {
		out[i+1] = out[i] + x
	}
	return out
}

// mean is the mean of a stretch, between places that need not be whole; 0 beyond.
func (s sums) mean(from, to float64) float64 {
	if to <= from {
		return 0
	}
	return (s.at(to) - s.at(from)) / (to - from)
}

func (s sums) at(x float64) float64 {
	if x <= 0 {
		return 0
	}
	i := int(x)
	if i >= len(s)-1 {
		return s[len(s)-1]
	}
	return s[i] + (s[i+1]-s[i])*(x-float64(i))
}

// smoothed is the mean of what is near.
func smoothed(v []float64, reach int) []float64 {
	s := sumsOf(v)
	out := make([]float64, len(v))
	for x := range v {
		a, b := max(0, x-reach), min(len(v), x+reach+1)
		out[x] = (s[b] - s[a]) / float64(b-a)
	}
	return out
}

// straight fits a + b·x by the medians of slopes and of rests, which single
// stains do not move.
func straight(x, y []float64) (a, b float64) {
	var slopes []float64
	for i := range x {
		for j := range i {
			slopes = append(slopes, (y[i]-y[j])/(x[i]-x[j]))
		}
	}
	b = median(slopes)
	var rests []float64
	for i := range x {
		rests = append(rests, y[i]-b*x[i])
	}
	return median(rests), b
}
