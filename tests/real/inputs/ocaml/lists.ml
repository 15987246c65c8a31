(* Lists and a hash table. *)
let () =
  let table = Hashtbl.create 17 in
  List.iter (fun i -> Hashtbl.replace table (string_of_int (i mod 4001)) [ i; i + 1 ])
    (List.init 20011 (fun i -> i));
  Printf.printf "%d %d\n" (Hashtbl.length table)
    (Hashtbl.fold (fun _ list sum -> sum + List.length list) table 0)
