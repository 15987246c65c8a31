-- Tables and strings.
local words = {}
for i = 1, 20011 do words["w" .. i % 4001] = { i, "v" .. i } end
local names = {}
for name in pairs(words) do names[#names + 1] = name end
table.sort(names)
print(#names, names[1], #table.concat(names, ","))
