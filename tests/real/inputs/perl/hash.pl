# A hash of arrays, sorted.
my %words;
push @{ $words{ "w" . $_ % 4001 } }, $_ for 1 .. 20011;
print scalar(keys %words), " ", join(",", (sort keys %words)[0 .. 2]), "\n";
