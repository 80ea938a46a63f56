module postern/hello

go 1.21
