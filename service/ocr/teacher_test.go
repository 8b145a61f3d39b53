package ocr

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// The flags with which the tests teach a net again, see weights.go.
var (
	teach    = flag.String("teach", "", "teach the net of this file again, and write it")
	cells    = flag.Int("cells", 960_000, "the net learns from so many cells")
	goOn     = flag.Bool("go-on", false, "the net of our own faces learns from its weights on, not from nothing")
	facesDir = flag.String("faces", "", "glyph.net learns the digits of the faces in this directory")
)

// How a net learns.
const (
	teachBatch = 16   // cells between two steps
	teachFirst = .002 // the first step
	teachLast  = .02  // the last one, as a share of the first
)

// teachRate is how large a step is after k of so many cells.
func teachRate(k, cells int) float64 {
	return teachFirst * math.Pow(teachLast, float64(k)/float64(cells))
}

// writeNet writes what a net has learned.
func writeNet(t *testing.T, name string, weights []byte) {
	t.Helper()
	if err := os.WriteFile(name, weights, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s is written; its sum is %x", name, sha256.Sum256(weights))
}

// glyphTeacher learns weights by Adam.
type glyphTeacher struct {
	net        *glyphNet
	grad, m, v [4][]float32
	step       int
}

func newGlyphTeacher(r *rand.Rand) *glyphTeacher {
	t := &glyphTeacher{net: &glyphNet{}}
	inputs := [4]int{glyphKernel1 * glyphKernel1, glyphMaps1 * glyphKernel2 * glyphKernel2, glyphMaps2 * glyphWide2 * glyphHigh2, glyphHidden}
	outputs := [4]int{glyphMaps1, glyphMaps2, glyphHidden, glyphClasses}
	for i, n := range glyphSizes {
		for _, p := range []*[4][]float32{&t.net.weights, &t.grad, &t.m, &t.v} {
			p[i] = make([]float32, n)
		}
		for k := range n - outputs[i] {
			t.net.weights[i][k] = float32(r.NormFloat64() * math.Sqrt(2/float64(inputs[i])))
		}
	}
	return t
}

// learn adds the gradient of one cell.
func (t *glyphTeacher) learn(cell *[glyphCellWide * glyphCellHigh]float32, class int) {
	var s glyphState
	t.net.read(cell, &s)
	var out [glyphClasses]float32
	for i, v := range s.out {
		out[i] = float32(math.Exp(float64(v)))
	}
	out[class]--
	var hidden [glyphHidden]float32
	backGlyphSums(s.hidden[:], t.net.weights[3], t.grad[3], out[:], hidden[:])
	for i, v := range s.hidden {
		if v <= 0 {
			hidden[i] = 0
		}
	}
	two := make([]float32, len(s.two))
	backGlyphSums(s.two[:], t.net.weights[2], t.grad[2], hidden[:], two)
	one := make([]float32, len(s.one))
	backGlyphFilter(s.one[:], glyphMaps1, glyphWide1, glyphHigh1, t.net.weights[1], t.grad[1], glyphKernel2, glyphMaps2, s.two[:], two, one)
	backGlyphFilter(cell[:], 1, glyphCellWide, glyphCellHigh, t.net.weights[0], t.grad[0], glyphKernel1, glyphMaps1, s.one[:], one, nil)
}

func backGlyphSums(in, weights, grad, out, back []float32) {
	for k, o := range out {
		if o == 0 {
			continue
		}
		w, g := weights[k*len(in):(k+1)*len(in)], grad[k*len(in):(k+1)*len(in)]
		for i, v := range in {
			g[i] += o * v
			back[i] += o * w[i]
		}
		grad[len(in)*len(out)+k] += o
	}
}

// backGlyphFilter is the way back through filter; back is nil where nobody asks for it.
func backGlyphFilter(in []float32, depth, w, h int, weights, grad []float32, kernel, maps int, was, out, back []float32) {
	bias := grad[maps*depth*kernel*kernel:]
	ow, oh := w/2, h/2
	for i, v := range was {
		if v <= 0 {
			out[i] = 0
		}
	}
	for m := range maps {
		plane := out[m*ow*oh : (m+1)*ow*oh]
		for _, v := range plane {
			bias[m] += v
		}
		for d := range depth {
			for j := range kernel {
				for i := range kernel {
					at := ((m*depth+d)*kernel+j)*kernel + i
					k, sum := weights[at], float32(0)
					x0, x1 := glyphSpan(i-kernel/2, w, ow)
					y0, y1 := glyphSpan(j-kernel/2, h, oh)
					for y := y0; y < y1; y++ {
						from := (d*h+2*y+j-kernel/2)*w + i - kernel/2
						for x := x0; x < x1; x++ {
							o := plane[y*ow+x]
							sum += o * in[from+2*x]
							if back != nil {
								back[from+2*x] += o * k
							}
						}
					}
					grad[at] += sum
				}
			}
		}
	}
}

// apply takes a step down the mean of the gradients of so many cells.
func (t *glyphTeacher) apply(rate float64, cells int) {
	t.step++
	const keep, keepSquare = .9, .999
	fix, fixSquare := 1-math.Pow(keep, float64(t.step)), 1-math.Pow(keepSquare, float64(t.step))
	for i := range t.grad {
		for k, g := range t.grad[i] {
			g /= float32(cells)
			t.grad[i][k] = 0
			t.m[i][k] = keep*t.m[i][k] + (1-keep)*g
			t.v[i][k] = keepSquare*t.v[i][k] + (1-keepSquare)*g*g
			t.net.weights[i][k] -= float32(rate * (float64(t.m[i][k]) / fix) / (math.Sqrt(float64(t.v[i][k])/fixSquare) + 1e-7))
		}
	}
}

// packed are the weights as bytes.
func (t *glyphTeacher) packed(tb testing.TB) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, weights := range t.net.weights {
		most := float32(0)
		for _, v := range weights {
			most = max(most, float32(math.Abs(float64(v))))
		}
		scale := most / 127
		small := make([]int8, len(weights))
		for i, v := range weights {
			small[i] = int8(math.Round(float64(v / scale)))
		}
		for _, v := range []any{scale, small} {
			if err := binary.Write(&out, binary.LittleEndian, v); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return out.Bytes()
}

// TestTheWeightsAreThoseThatWereMeasured holds the nets to the files by which all
// bounds of reading were chosen. Whoever teaches one again measures them again, with
// flowbot bench scans, and then writes its new sum here.
func TestTheWeightsAreThoseThatWereMeasured(t *testing.T) {
	t.Parallel()
	size := 0
	for _, n := range glyphSizes {
		size += 4 + n // a scale, and a byte for each weight
	}
	for name, tt := range map[string]struct {
		weights []byte
		sum     string // SHA-256
	}{
		"glyph.net":  {glyphWeights, "56e91676aac6e1197cc4909d690a8dfb71232ddcfbe9ef804062e4ba179100cb"},
		"number.net": {sightWeights, "e57440218300800033716bd4ff35790a022d2f7cafe952a141d038869e760bc3"},
		"twin.net":   {twinWeights, "86719cf0f3a70e5b21a2fa77dd26b257761671d33e9448268d7e104f9c5d99f6"},
	} {
		if len(tt.weights) != size {
			t.Errorf("%s has %d bytes, the net has room for %d", name, len(tt.weights), size)
		}
		if _, err := newGlyphNet(tt.weights); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if sum := sha256.Sum256(tt.weights); hex.EncodeToString(sum[:]) != tt.sum {
			t.Errorf("%s has the sum %x", name, sum)
		}
	}
}

func TestOtherFilesAreNoWeights(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{"nothing": nil, "cut": glyphWeights[:len(glyphWeights)-1], "longer": append(bytes.Clone(glyphWeights), 0)} {
		if _, err := newGlyphNet(data); err == nil {
			t.Errorf("%s is taken for a net", name)
		}
	}
}

// TestANetLearns teaches one from nothing for a moment: it must know more digits than
// chance has it.
func TestANetLearns(t *testing.T) {
	t.Parallel()
	weights := learnSights(t, nil, 3, 3000)
	if got := judgeSights(t, weights, 5); got.right < got.cells*2/3 {
		t.Errorf("of %d cells %d are right", got.cells, got.right)
	}
}
