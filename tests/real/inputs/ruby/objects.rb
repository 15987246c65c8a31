# Objects, strings and a file.
words = Hash.new(0)
20_011.times { |i| words["w#{i % 4001}"] += i }
puts words.size, words.keys.sort.first(3).join(","), File.size(__FILE__)
puts Dir.children(__dir__).sort.join(",")
