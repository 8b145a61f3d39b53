package service

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The reasons for which a table is not taken as a blank profile. All are Invalid
// and their Data is a ProfileFault.
const (
	ReasonProfileNoHeader    Reason = "profile.no_header"     // no row of titles; Known: the titles
	ReasonProfileNoColumn    Reason = "profile.no_column"     // Column is not there
	ReasonProfileColumnTwice Reason = "profile.column_twice"  // Column stands twice
	ReasonProfileNoRow       Reason = "profile.no_row"        // no row «Known[0]; Known[1]»
	ReasonProfileRepeated    Reason = "profile.repeated"      // what Row says, an earlier row says
	ReasonProfileRequired    Reason = "profile.required"      // an empty cell that must not be
	ReasonProfileNoNumber    Reason = "profile.no_number"     // not a number from From to To
	ReasonProfileNoWord      Reason = "profile.no_word"       // none of the words Known
	ReasonProfileTooLong     Reason = "profile.too_long"      // more than To characters
	ReasonProfileTooManyRows Reason = "profile.too_many_rows" // more than To rows
	ReasonProfileOffSheet    Reason = "profile.off_sheet"     // the blank is not whole on the sheet
	ReasonProfileOffBlank    Reason = "profile.off_blank"     // not whole on the blank
	ReasonProfileFloor       Reason = "profile.floor"         // the smallest size is above the size
	ReasonProfileLeading     Reason = "profile.leading"       // lines closer than To mm apart touch
)

// ProfileFault is where and how the table of a blank profile is wrong.
type ProfileFault struct {
	Row      int    // as the program that shows the table counts, from 1; 0: of no row
	Column   string // its title; "": of no column
	Text     string // what stands there
	From, To float64
	Known    []string // what could stand there
}

// The sheet that blanks are printed on, in millimetres: A4, portrait. The blank
// is fed with its long edge across.
const (
	SheetWidth  = 210.0
	SheetHeight = 297.0
)

// BlankProfile is the layout of a printing house's blank: where on it each field
// stands. All lengths but the sizes of type are millimetres from the blank's top
// left corner.
type BlankProfile struct {
	Code   string // latin letters, digits and hyphens
	Name   string // as people choose it
	Sheet  Box    // where the blank lies on the sheet
	Series bool   // the blanks of this house have a series beside their number
	Digits int    // of a blank's number

	Fields   []BlankField // one may stand several times: a text that does not fit goes to the next place
	Captions []BlankCaption
	Lines    []BlankLine
	Regions  []BlankRegion
}

// Box is a rectangle: its top left corner and its size, in millimetres.
type Box struct{ X, Y, Width, Height float64 }

// BlankField is a place for a text on the blank.
type BlankField struct {
	Field    Field
	X        float64 // left edge of the place
	Y        float64 // baseline of the first line
	Width    float64
	Align    Align
	Face     Face
	Size     float64 // of the type, in points
	Floor    float64 // the smallest size a long text shrinks to, in points
	Lines    int     // the most lines
	Leading  float64 // between baselines; 0 with one line
	Capitals bool    // the text is set in capital letters
}

// BlankCaption is a text that the printing house has printed on the blank. It
// stands on a trial page alone.
type BlankCaption struct {
	X, Y, Width float64 // as of a field
	Align       Align
	Face        Face
	Size        float64 // of the type, in points
	Text        string
}

// BlankLine is a level line that the printing house has printed.
type BlankLine struct{ X, Y, Width float64 }

// BlankRegion is where something is read on a scan of the blank.
type BlankRegion struct {
	Region Region
	Box    Box
}

// Field names a text of a certificate.
type Field string

// The fields. A profile has FieldPlace, or FieldInstitution and FieldAddress.
const (
	FieldPurposeLeft        Field = "purpose_left"
	FieldPurposeRight       Field = "purpose_right"
	FieldName               Field = "name"
	FieldNameLatin          Field = "name_latin"
	FieldPlace              Field = "place" // institution and address in one place
	FieldInstitution        Field = "institution"
	FieldAddress            Field = "address"
	FieldIssuedOn           Field = "issued_on"
	FieldValidUntil         Field = "valid_until"
	FieldRegistrationNumber Field = "registration_number"
	FieldSignatoryPosition  Field = "signatory_position"
	FieldSignatoryName      Field = "signatory_name"
)

// Align is where a text stands in its place.
type Align string

// The alignments.
const (
	AlignLeft   Align = "left"
	AlignCenter Align = "center"
	AlignRight  Align = "right"
)

// Face is a typeface.
type Face string

// The faces.
const (
	FaceSerif     Face = "serif"
	FaceSerifBold Face = "serif_bold"
	FaceSans      Face = "sans"
)

// Region names something that is read on a scan.
type Region string

// The regions.
const (
	RegionName               Region = "name"
	RegionRegistrationNumber Region = "registration_number"
	RegionBlankSeries        Region = "blank_series"
	RegionBlankNumber        Region = "blank_number" // its digits
	RegionBarCode            Region = "bar_code"
	RegionFrame              Region = "frame"       // the outermost printed line around the blank
	RegionInnerFrame         Region = "inner_frame" // the inner edge of its border, which no scan cuts off
)

// Places lists the places of a field, in the order in which they are tried.
func (p *BlankProfile) Places(f Field) []BlankField {
	var out []BlankField
	for _, place := range p.Fields {
		if place.Field == f {
			out = append(out, place)
		}
	}
	return out
}

// Region returns where something is read, false if the profile does not say.
func (p *BlankProfile) Region(r Region) (Box, bool) {
	for _, known := range p.Regions {
		if known.Region == r {
			return known.Box, true
		}
	}
	return Box{}, false
}

// IsBlankNumber reports whether a blank of this house can have the number.
func (p *BlankProfile) IsBlankNumber(number string) bool {
	return len(number) == p.Digits && strings.Trim(number, "0123456789") == ""
}

// Bounds of a profile's table. The greatest table of the built-in ones has 50
// rows; a type under 5 points cannot be read from paper, and no field of a blank
// is as high as 40.
const (
	mostProfileRows    = 300
	mostProfileDigits  = 30
	mostProfileLines   = 10
	longestProfileText = 200
	longestProfileName = 60 // it stands on a button
	leastType          = 5.0
	greatestType       = 40.0
)

// PointMM is a typographic point in millimetres.
const PointMM = 25.4 / 72

// The shape of type in sizes of it, for what must lie within the blank: marks
// above capitals, tails below the line, and the distance under which the mark of
// Й touches the line above. Source: outlines of Й, Ä and Щ in PT Serif and PT
// Sans, rounded up.
const (
	TypeAbove   = 0.95
	TypeBelow   = 0.28
	TypeLeading = 1.15
)

// The table of a profile: titles, kinds of rows and words, as they stand in it.
const (
	profileKind     = "вид"
	profileSubject  = "что"
	profileX        = "x"
	profileY        = "y"
	profileWidth    = "ширина"
	profileHeight   = "высота"
	profileAlign    = "выравнивание"
	profileFace     = "шрифт"
	profileSize     = "кегль"
	profileFloor    = "наименьший кегль"
	profileLines    = "строк"
	profileLeading  = "межстрочный шаг"
	profileCapitals = "прописными"
	profileText     = "текст"

	profileProperty = "свойство"
	profileSheet    = "бланк"
	profileField    = "поле"
	profileCaption  = "надпись"
	profileLine     = "линия"
	profileRegion   = "область"

	profileName   = "название"
	profileCode   = "код"
	profileSeries = "серия"
	profileDigits = "цифр в номере"
)

var profileTitles = []string{
	profileKind, profileSubject, profileX, profileY, profileWidth, profileHeight, profileAlign, profileFace,
	profileSize, profileFloor, profileLines, profileLeading, profileCapitals, profileText,
}

// word is a value and what it is called in the table.
type word[T any] struct {
	value T
	name  string
}

var (
	fieldWords = []word[Field]{
		{FieldPurposeLeft, "цель слева"},
		{FieldPurposeRight, "цель справа"},
		{FieldName, "ФИО"},
		{FieldNameLatin, "ФИО латиницей"},
		{FieldPlace, "учреждение и адрес"},
		{FieldInstitution, "учреждение"},
		{FieldAddress, "адрес"},
		{FieldIssuedOn, "дата выдачи"},
		{FieldValidUntil, "срок действия"},
		{FieldRegistrationNumber, "регистрационный номер"},
		{FieldSignatoryPosition, "должность подписанта"},
		{FieldSignatoryName, "ФИО подписанта"},
	}
	alignWords = []word[Align]{{AlignLeft, "влево"}, {AlignCenter, "по центру"}, {AlignRight, "вправо"}}
	faceWords  = []word[Face]{
		{FaceSerif, "с засечками"}, {FaceSerifBold, "с засечками полужирный"}, {FaceSans, "без засечек"},
	}
	regionWords = []word[Region]{
		{RegionName, "ФИО"},
		{RegionRegistrationNumber, "регистрационный номер"},
		{RegionBlankSeries, "серия бланка"},
		{RegionBlankNumber, "номер бланка"},
		{RegionBarCode, "штрихкод"},
		{RegionFrame, "рамка"},
		{RegionInnerFrame, "внутренняя рамка"},
	}
	yesNoWords    = []word[bool]{{true, wordYes}, {false, wordNo}}
	propertyWords = []word[string]{
		{profileName, profileName}, {profileCode, profileCode}, {profileSeries, profileSeries}, {profileDigits, profileDigits},
	}
)

// Name is what people call a field: its name in the table of a profile.
func (f Field) Name() string { return nameOf(fieldWords, f) }

func nameOf[T comparable](words []word[T], value T) string {
	for _, w := range words {
		if w.value == value {
			return w.name
		}
	}
	return ""
}

// Table gives the profile as the rows that ReadBlankProfile reads, titles first.
func (p *BlankProfile) Table() [][]string {
	rows := [][]string{
		profileTitles,
		profileRow(profileProperty, profileName, cells{profileText: p.Name}),
		profileRow(profileProperty, profileCode, cells{profileText: p.Code}),
		profileRow(profileProperty, profileSeries, cells{profileText: nameOf(yesNoWords, p.Series)}),
		profileRow(profileProperty, profileDigits, cells{profileText: strconv.Itoa(p.Digits)}),
		profileRow(profileSheet, "", boxCells(p.Sheet)),
	}
	for _, f := range p.Fields {
		c := cells{
			profileX: millimetres(f.X), profileY: millimetres(f.Y), profileWidth: millimetres(f.Width),
			profileAlign: nameOf(alignWords, f.Align), profileFace: nameOf(faceWords, f.Face),
			profileSize: millimetres(f.Size), profileFloor: millimetres(f.Floor), profileLines: strconv.Itoa(f.Lines),
			profileCapitals: nameOf(yesNoWords, f.Capitals),
		}
		if f.Leading != 0 {
			c[profileLeading] = millimetres(f.Leading)
		}
		rows = append(rows, profileRow(profileField, nameOf(fieldWords, f.Field), c))
	}
	for _, r := range p.Regions {
		rows = append(rows, profileRow(profileRegion, nameOf(regionWords, r.Region), boxCells(r.Box)))
	}
	for _, l := range p.Lines {
		rows = append(rows, profileRow(profileLine, "", cells{profileX: millimetres(l.X), profileY: millimetres(l.Y), profileWidth: millimetres(l.Width)}))
	}
	for _, c := range p.Captions {
		rows = append(rows, profileRow(profileCaption, "", cells{
			profileX: millimetres(c.X), profileY: millimetres(c.Y), profileWidth: millimetres(c.Width),
			profileAlign: nameOf(alignWords, c.Align), profileFace: nameOf(faceWords, c.Face),
			profileSize: millimetres(c.Size), profileText: c.Text,
		}))
	}
	return rows
}

// cells are the texts of a row by the titles of their columns.
type cells map[string]string

func boxCells(b Box) cells {
	return cells{profileX: millimetres(b.X), profileY: millimetres(b.Y), profileWidth: millimetres(b.Width), profileHeight: millimetres(b.Height)}
}

func profileRow(kind, subject string, c cells) []string {
	c[profileKind], c[profileSubject] = kind, subject
	row := make([]string, len(profileTitles))
	for i, title := range profileTitles {
		row[i] = c[title]
	}
	return row
}

// millimetres writes a length, or a size of type, with a decimal comma.
func millimetres(v float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(v, 'f', -1, 64), ".", ",")
}

// BuildBlankProfiles reads profiles from their tables as text with semicolons.
func BuildBlankProfiles(texts ...string) ([]BlankProfile, error) {
	profiles := make([]BlankProfile, 0, len(texts))
	for i, text := range texts {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = ';', -1
		var rows []SheetRow
		records, err := r.ReadAll()
		if err != nil {
			return nil, fmt.Errorf("blank profile %d of %d: %w", i+1, len(texts), err)
		}
		for n, record := range records {
			rows = append(rows, SheetRow{Number: n + 1, Cells: record})
		}
		p, err := ReadBlankProfile(rows)
		if err != nil {
			return nil, fmt.Errorf("blank profile %d of %d: %w", i+1, len(texts), err)
		}
		if p.Code == "" || slices.ContainsFunc(profiles, func(known BlankProfile) bool { return known.Code == p.Code }) {
			return nil, fmt.Errorf("blank profile %d of %d: code %q is empty or taken", i+1, len(texts), p.Code)
		}
		profiles = append(profiles, p)
	}
	return profiles, nil
}

// ReadBlankProfile reads a profile from its table: a row of titles, in any order,
// then a row for each thing. The first thing wrong refuses the table and is named
// by its row and column, see the reasons.
func ReadBlankProfile(rows []SheetRow) (BlankProfile, error) {
	r := profileReader{columns: make(map[string]int)}
	at := slices.IndexFunc(rows, func(row SheetRow) bool {
		return slices.ContainsFunc(row.Cells, func(cell string) bool { return fold(cell) == profileKind })
	})
	if at < 0 {
		return BlankProfile{}, refuseWith(Invalid, ReasonProfileNoHeader, ProfileFault{Known: profileTitles})
	}
	if len(rows)-at > mostProfileRows {
		return BlankProfile{}, refuseWith(Invalid, ReasonProfileTooManyRows, ProfileFault{To: mostProfileRows})
	}
	if err := r.titles(rows[at]); err != nil {
		return BlankProfile{}, err
	}
	// The blank comes first: what stands on it must lie within.
	body := slices.Clone(rows[at+1:])
	for _, kind := range []string{profileSheet, profileProperty, ""} {
		for _, row := range body {
			if err := r.row(row, kind); err != nil {
				return BlankProfile{}, err
			}
		}
		if kind == profileSheet && r.p.Sheet == (Box{}) {
			return BlankProfile{}, refuseWith(Invalid, ReasonProfileNoRow, ProfileFault{Known: []string{profileSheet}})
		}
	}
	return r.p, r.whole()
}

// profileReader reads the rows of a profile's table.
type profileReader struct {
	p       BlankProfile
	columns map[string]int
	current SheetRow
	seen    []string // properties that were there
}

// cyrillicAxes are the letters that look like those of the axes.
var cyrillicAxes = map[string]string{"х": profileX, "у": profileY}

func (r *profileReader) titles(row SheetRow) error {
	for i, cell := range row.Cells {
		title := fold(cell)
		if axis, ok := cyrillicAxes[title]; ok {
			title = axis
		}
		if !slices.Contains(profileTitles, title) {
			continue
		}
		if _, twice := r.columns[title]; twice {
			return refuseWith(Invalid, ReasonProfileColumnTwice, ProfileFault{Row: row.Number, Column: title})
		}
		r.columns[title] = i
	}
	for _, title := range profileTitles {
		if _, there := r.columns[title]; !there {
			return refuseWith(Invalid, ReasonProfileNoColumn, ProfileFault{Row: row.Number, Column: title})
		}
	}
	return nil
}

// row reads a row of the kind, or one of the others' if the kind is "".
func (r *profileReader) row(row SheetRow, kind string) error {
	r.current = row
	if joined(row.Cells...) == "" {
		return nil
	}
	is, err := oneOf(r, profileKind, kindWords)
	if err != nil {
		return err
	}
	early := is == profileSheet || is == profileProperty
	if kind != is && (kind != "" || early) {
		return nil
	}
	switch is {
	case profileSheet:
		return r.sheet()
	case profileProperty:
		return r.property()
	case profileField:
		return r.field()
	case profileCaption:
		return r.caption()
	case profileLine:
		return r.line()
	}
	return r.region()
}

var kindWords = []word[string]{
	{profileProperty, profileProperty},
	{profileSheet, profileSheet},
	{profileField, profileField},
	{profileCaption, profileCaption},
	{profileLine, profileLine},
	{profileRegion, profileRegion},
}

func (r *profileReader) cell(column string) string {
	return joined(r.current.Cell(r.columns[column]))
}

// fault refuses a cell of the current row, or the row itself if the column is "".
func (r *profileReader) fault(reason Reason, column string, f ProfileFault) error {
	f.Row, f.Column = r.current.Number, column
	if column != "" {
		f.Text = r.cell(column)
	}
	return refuseWith(Invalid, reason, f)
}

// number reads a cell with a number, which may have a decimal comma. Excel's
// noise behind the hundredths goes.
func (r *profileReader) number(column string, from, to float64) (float64, error) {
	cell := r.cell(column)
	if cell == "" {
		return 0, r.fault(ReasonProfileRequired, column, ProfileFault{})
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(cell, ",", "."), 64)
	v = math.Round(v*100) / 100
	if err != nil || !(v >= from && v <= to) {
		return 0, r.fault(ReasonProfileNoNumber, column, ProfileFault{From: from, To: to})
	}
	return v, nil
}

// count reads a cell with a whole number.
func (r *profileReader) count(column string, from, to int) (int, error) {
	v, err := r.number(column, float64(from), float64(to))
	if err == nil && v != math.Trunc(v) {
		err = r.fault(ReasonProfileNoNumber, column, ProfileFault{From: float64(from), To: float64(to)})
	}
	return int(v), err
}

// oneOf reads a cell with one of the words.
func oneOf[T any](r *profileReader, column string, words []word[T]) (T, error) {
	cell := fold(r.cell(column))
	known := make([]string, 0, len(words))
	for _, w := range words {
		if fold(w.name) == cell {
			return w.value, nil
		}
		known = append(known, w.name)
	}
	var none T
	return none, r.fault(ReasonProfileNoWord, column, ProfileFault{Known: known})
}

// text reads a cell with a text.
func (r *profileReader) text(longest int) (string, error) {
	cell := r.cell(profileText)
	if cell == "" {
		return "", r.fault(ReasonProfileRequired, profileText, ProfileFault{})
	}
	if utf8.RuneCountInString(cell) > longest {
		return "", r.fault(ReasonProfileTooLong, profileText, ProfileFault{To: float64(longest)})
	}
	return cell, nil
}

// numbers reads cells with numbers from 0 on that no sheet is too small for.
func (r *profileReader) numbers(into map[string]*float64) error {
	for _, title := range profileTitles {
		at, asked := into[title]
		if !asked {
			continue
		}
		var err error
		if *at, err = r.number(title, 0, SheetHeight); err != nil {
			return err
		}
	}
	return nil
}

func (r *profileReader) box() (b Box, err error) {
	err = r.numbers(map[string]*float64{profileX: &b.X, profileY: &b.Y, profileWidth: &b.Width, profileHeight: &b.Height})
	return b, err
}

func (r *profileReader) sheet() error {
	if r.p.Sheet != (Box{}) {
		return r.fault(ReasonProfileRepeated, "", ProfileFault{})
	}
	b, err := r.box()
	if err != nil {
		return err
	}
	if b.Width == 0 || b.Height == 0 || b.X+b.Width > SheetWidth || b.Y+b.Height > SheetHeight {
		return r.fault(ReasonProfileOffSheet, "", ProfileFault{})
	}
	r.p.Sheet = b
	return nil
}

func (r *profileReader) property() error {
	what, err := oneOf(r, profileSubject, propertyWords)
	if err != nil {
		return err
	}
	if slices.Contains(r.seen, what) {
		return r.fault(ReasonProfileRepeated, profileSubject, ProfileFault{})
	}
	r.seen = append(r.seen, what)
	switch what {
	case profileName:
		r.p.Name, err = r.text(longestProfileName)
	case profileCode:
		// The code of a profile that a center adds is given by the program.
		r.p.Code = r.cell(profileText)
	case profileSeries:
		r.p.Series, err = oneOf(r, profileText, yesNoWords)
	case profileDigits:
		r.p.Digits, err = r.count(profileText, 1, mostProfileDigits)
	}
	return err
}

// onBlank refuses the current row unless the box is on the blank.
func (r *profileReader) onBlank(b Box) error {
	// A hundredth is what lengths are rounded to.
	const hair = 0.01
	if b.X < -hair || b.Y < -hair || b.X+b.Width > r.p.Sheet.Width+hair || b.Y+b.Height > r.p.Sheet.Height+hair {
		return r.fault(ReasonProfileOffBlank, "", ProfileFault{})
	}
	return nil
}

// Box is what the field can take of the blank when its text is of the full size.
func (f *BlankField) Box() Box {
	above := f.Size * PointMM * TypeAbove
	return Box{f.X, f.Y - above, f.Width, above + float64(f.Lines-1)*f.Leading + f.Size*PointMM*TypeBelow}
}

func (r *profileReader) field() (err error) {
	var f BlankField
	if f.Field, err = oneOf(r, profileSubject, fieldWords); err != nil {
		return err
	}
	if err = r.numbers(map[string]*float64{profileX: &f.X, profileY: &f.Y, profileWidth: &f.Width}); err != nil {
		return err
	}
	if f.Align, err = oneOf(r, profileAlign, alignWords); err != nil {
		return err
	}
	if f.Face, err = oneOf(r, profileFace, faceWords); err != nil {
		return err
	}
	if f.Size, err = r.number(profileSize, leastType, greatestType); err != nil {
		return err
	}
	if f.Floor, err = r.number(profileFloor, leastType, greatestType); err != nil {
		return err
	}
	if f.Floor > f.Size {
		return r.fault(ReasonProfileFloor, profileFloor, ProfileFault{})
	}
	if f.Lines, err = r.count(profileLines, 1, mostProfileLines); err != nil {
		return err
	}
	if f.Lines > 1 {
		if f.Leading, err = r.number(profileLeading, 0, SheetHeight); err != nil {
			return err
		}
		if least := math.Ceil(f.Floor*PointMM*TypeLeading*10) / 10; f.Leading < least {
			return r.fault(ReasonProfileLeading, profileLeading, ProfileFault{To: least})
		}
	}
	if f.Capitals, err = oneOf(r, profileCapitals, yesNoWords); err != nil {
		return err
	}
	r.p.Fields = append(r.p.Fields, f)
	return r.onBlank(f.Box())
}

func (r *profileReader) caption() (err error) {
	var c BlankCaption
	if err = r.numbers(map[string]*float64{profileX: &c.X, profileY: &c.Y, profileWidth: &c.Width}); err != nil {
		return err
	}
	if c.Align, err = oneOf(r, profileAlign, alignWords); err != nil {
		return err
	}
	if c.Face, err = oneOf(r, profileFace, faceWords); err != nil {
		return err
	}
	if c.Size, err = r.number(profileSize, leastType, greatestType); err != nil {
		return err
	}
	if c.Text, err = r.text(longestProfileText); err != nil {
		return err
	}
	r.p.Captions = append(r.p.Captions, c)
	return r.onBlank((&BlankField{X: c.X, Y: c.Y, Width: c.Width, Size: c.Size, Lines: 1}).Box())
}

func (r *profileReader) line() error {
	var l BlankLine
	if err := r.numbers(map[string]*float64{profileX: &l.X, profileY: &l.Y, profileWidth: &l.Width}); err != nil {
		return err
	}
	r.p.Lines = append(r.p.Lines, l)
	return r.onBlank(Box{l.X, l.Y, l.Width, 0})
}

func (r *profileReader) region() error {
	what, err := oneOf(r, profileSubject, regionWords)
	if err != nil {
		return err
	}
	if _, twice := r.p.Region(what); twice {
		return r.fault(ReasonProfileRepeated, profileSubject, ProfileFault{})
	}
	b, err := r.box()
	if err != nil {
		return err
	}
	r.p.Regions = append(r.p.Regions, BlankRegion{what, b})
	return r.onBlank(b)
}

// optionalRegions are those that a house's blank may not have.
var optionalRegions = []Region{RegionBlankSeries, RegionBarCode, RegionFrame, RegionInnerFrame}

// whole refuses a profile that lacks something.
func (r *profileReader) whole() error {
	lacks := func(what ...string) error {
		return refuseWith(Invalid, ReasonProfileNoRow, ProfileFault{Known: what})
	}
	for _, property := range []string{profileName, profileSeries, profileDigits} {
		if !slices.Contains(r.seen, property) {
			return lacks(profileProperty, property)
		}
	}
	place := len(r.p.Places(FieldPlace)) > 0
	for _, w := range fieldWords {
		switch {
		case w.value == FieldNameLatin: // a house may have no place for it
		case w.value == FieldPlace && len(r.p.Places(FieldInstitution)) > 0:
		case (w.value == FieldInstitution || w.value == FieldAddress) && place:
		case len(r.p.Places(w.value)) == 0:
			return lacks(profileField, w.name)
		}
	}
	for _, w := range regionWords {
		if _, there := r.p.Region(w.value); !there && !slices.Contains(optionalRegions, w.value) {
			return lacks(profileRegion, w.name)
		}
	}
	return nil
}
