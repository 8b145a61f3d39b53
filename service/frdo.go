package service

// FrdoQueries asks about what is exchanged with ФИС ФРДО.
type FrdoQueries interface{}

// FrdoCommands changes what is exchanged with ФИС ФРДО.
type FrdoCommands interface{}

// Frdo exchanges tables with ФИС ФРДО: the export of those who are entitled to a
// certificate, and the import of the registration numbers that they were given.
type Frdo struct {
	store   Store
	book    SheetBook
	files   FileStore
	uploads *Uploads
	say     Say
	now     Clock
}

// NewFrdo returns the use cases over store; book reads and writes the tables,
// say finds the words of what is wrong with a row.
func NewFrdo(store Store, book SheetBook, files FileStore, uploads *Uploads, say Say, now Clock) *Frdo {
	return &Frdo{store: store, book: book, files: files, uploads: uploads, say: say, now: now}
}
