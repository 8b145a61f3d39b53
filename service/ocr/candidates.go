package ocr

import (
	"cmp"
	"math"
	"slices"

	"flowbot/service"
)

// likeliest is how many applications are kept with what was read, those whose number
// agrees best and those whose name does, if more than one can be meant.
const likeliest = 5

// mostNamed is how many applications a page is compared with by name at most, those
// whose number agrees best: a tenth of a second of one core.
const mostNamed = 300

// compare finds how well the likeliest applications agree with the page.
func (r *Reader) compare(p *page, number *numberReading, out *service.PageReading) {
	var all []service.CandidateReading
	for i := range r.list {
		c := service.CandidateReading{ApplicationID: r.list[i].ApplicationID, Digits: -1, Name: -1, Latin: -1, IssuedOn: -1, NameWhite: 1, LatinWhite: 1}
		for _, line := range r.list[i].Of(service.FieldRegistrationNumber) {
			c.Digits = digitsScore(number, line.Text)
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b service.CandidateReading) int { return cmp.Compare(b.Digits, a.Digits) })
	all = all[:min(len(all), mostNamed)]
	names := r.newNameReader(p, number)
	for i := range all {
		c := &all[i]
		lines := r.certificate(c.ApplicationID)
		c.Name, c.NameWhite = names.score(lines.Of(service.FieldName))
		c.Latin, c.LatinWhite = names.score(lines.Of(service.FieldNameLatin))
		if i == 0 && out.Number != "" && r.numberOf(c.ApplicationID) == out.Number && c.AgreesByName() {
			all = all[:1] // the others are known to be others
			break
		}
	}
	out.Candidates = bestOf(all)
	for i := range out.Candidates {
		c := &out.Candidates[i]
		c.IssuedOn, _ = names.score(r.certificate(c.ApplicationID).Of(service.FieldIssuedOn))
	}
}

// bestOf keeps the likeliest of a list that is sorted by number, and those likeliest
// by name.
func bestOf(all []service.CandidateReading) []service.CandidateReading {
	if len(all) <= likeliest {
		return all
	}
	rest := slices.Clone(all[likeliest:])
	slices.SortStableFunc(rest, func(a, b service.CandidateReading) int { return cmp.Compare(b.ByName(), a.ByName()) })
	return slices.Concat(all[:likeliest], rest[:min(len(rest), likeliest)])
}

// digitsScore is the mean score of a number's digits, -1 for one of another shape.
func digitsScore(n *numberReading, number string) float64 {
	if n == nil || shapeOf(number) != n.Shape {
		return -1
	}
	sum, k := 0.0, 0
	for _, c := range number {
		if c < '0' || c > '9' {
			continue
		}
		sum += float64(n.Scores[k][c-'0'])
		k++
	}
	return sum / float64(max(k, 1))
}

func (r *Reader) certificate(id int64) *service.PrintedCertificate {
	i := slices.IndexFunc(r.list, func(c service.PrintedCertificate) bool { return c.ApplicationID == id })
	return &r.list[i]
}

func (r *Reader) numberOf(id int64) string {
	for _, line := range r.certificate(id).Of(service.FieldRegistrationNumber) {
		return line.Text
	}
	return ""
}

// nameReader compares lines of print with one page.
type nameReader struct {
	r              *Reader
	p              *page
	strips         map[service.Field]*lineAt
	dx, dy, around float64 // how far print is off its place, and how much that may be off; in millimetres
}

func (r *Reader) newNameReader(p *page, number *numberReading) *nameReader {
	n := &nameReader{r: r, p: p, strips: make(map[service.Field]*lineAt), dx: p.off.dx, dy: p.off.dy, around: p.off.around}
	if number != nil && n.around > 1 {
		n.dx, n.dy, n.around = number.DX, number.DY, 1
	}
	return n
}

// score is the worst score of a field's lines, -1 if it has none, and the worst of
// what is white of their strokes.
func (n *nameReader) score(lines []service.PrintedLine) (worst, white float64) {
	worst = -1
	for i, line := range lines {
		pen, err := n.r.pen(line.Face, line.Points)
		if err != nil {
			return -1, 1
		}
		s := n.strips[line.Field]
		if s == nil {
			s = stripOf(n.p.img, &n.p.h, n.r.area(line.Field))
			n.strips[line.Field] = s
		}
		v, w := s.score(pen, line, n.dx, n.dy, n.around)
		if i == 0 || v < worst {
			worst = v
		}
		white = max(white, w)
	}
	return worst, white
}

// pen returns the pen of a face and a size, made once.
func (r *Reader) pen(face service.Face, points float64) (*pen, error) {
	key := penKey{face, points}
	if p := r.pens[key]; p != nil {
		return p, nil
	}
	p, err := r.faces.pen(face, points*service.PointMM*linePPM)
	if err != nil {
		return nil, err
	}
	r.pens[key] = p
	return p, nil
}

// area is where the lines of a field can stand, with the slack of the print.
func (r *Reader) area(f service.Field) box {
	out := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, place := range r.profile.Places(f) {
		high := place.Size * service.PointMM
		out.x0, out.x1 = math.Min(out.x0, place.X-slack-3), math.Max(out.x1, place.X+place.Width+slack+3)
		out.y0 = math.Min(out.y0, place.Y-high-slack-1)
		out.y1 = math.Max(out.y1, place.Y+place.Leading*float64(place.Lines-1)+.4*high+slack+1)
	}
	return out
}
