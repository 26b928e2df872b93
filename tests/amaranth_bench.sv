// Beats of a file through the core in Amaranth, with random pauses on both sides: prints every result, then both
// registers as counted, after 7 was written to each, and what the bus says when nobody reads.
module amaranth_bench #(
  parameter int InBits = 8,
  parameter int OutBits = 8,
  parameter int Beats = 1,
  parameter int Results = 1
);
  logic clk = 1'b0, rst = 1'b0, running = 1'b0, in_valid = 1'b0, in_ready, out_ready = 1'b0, out_valid;
  logic address = 1'b0, read = 1'b0, write = 1'b0;
  logic [31:0] register_word;
  logic [OutBits-1:0] result;
  logic [InBits-1:0] beats[Beats];
  int beat = 0, results = 0, seed = 1;

  wrapped u_wrapped (
    .clk(clk), .rst(rst),
    .samples__payload(beats[beat % Beats]), .samples__valid(in_valid), .samples__ready(in_ready),
    .results__payload(result), .results__valid(out_valid), .results__ready(out_ready),
    .registers__addr(address), .registers__r_stb(read), .registers__r_data(register_word),
    .registers__w_stb(write), .registers__w_data(32'd7)
  );

  always #5 clk = ~clk;

  always @(posedge clk) begin
    // What is offered stays until it is taken.
    if (in_valid && in_ready) beat <= beat + 1;
    if (!in_valid || in_ready) in_valid <= running && beat + int'(in_valid) < Beats && $random(seed) % 4 != 0;
    out_ready <= $random(seed) % 4 != 0;
    if (out_valid && out_ready) begin
      $display("result %0h", result);
      results <= results + 1;
    end
  end

  task automatic show(input bit place);
    @(negedge clk) {address, read} = {place, 1'b1};
    @(negedge clk) read = 1'b0;
    $display("register %0d", register_word);
  endtask

  task automatic set(input bit place);
    @(negedge clk) {address, write} = {place, 1'b1};
    @(negedge clk) write = 1'b0;
  endtask

  initial begin
    $readmemh("beats.mem", beats);
    // Signals that never change stand only once something has changed: Verilog's always @* asks for it.
    repeat (2) @(negedge clk) rst = !rst;
    @(negedge clk) rst = 1'b1;
    repeat (4) @(negedge clk);
    rst = 1'b0;
    running = 1'b1;
    wait (beat == Beats && results == Results);
    show(0);
    show(1);
    set(0);
    show(1);
    set(1);
    show(0);
    show(1);
    @(negedge clk) $display("register %0d", register_word);
    $finish;
  end

  initial #(10 * (1000 * Results + 20000)) $fatal(1, "no end");
endmodule
